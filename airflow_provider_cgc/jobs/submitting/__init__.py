"""The rules of submitting jobs once, whatever their kind."""

"""One small object per noun of the platform's API, each over the one transport."""

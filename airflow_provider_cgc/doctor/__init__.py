"""The command that says what is wrong: is it the connection, the token, the volume, the triggerer?"""

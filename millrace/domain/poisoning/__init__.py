"""Does a batch look as if somebody had tampered with it?"""

"""Sentences that help a beginner with an error. Loaded only when a program has failed."""

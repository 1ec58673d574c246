"""Shared parts of tasks with characters or tokens: records, vocabularies and arrays, vectors of the network."""

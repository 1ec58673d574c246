"""What tasks that read characters or tokens share: records, vocabularies and arrays, vectors of the network."""

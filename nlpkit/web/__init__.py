"""Models behind HTTP: JSON in and out, and a page for people. Needs the extra ``web``."""

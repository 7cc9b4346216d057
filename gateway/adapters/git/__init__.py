"""Facts from bare mirrors, and commits by plumbing: the git binary does everything about objects."""

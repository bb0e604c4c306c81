"""One page to share: what goes in, its rows, pictures and provenance; templates and scripts."""

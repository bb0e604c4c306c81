"""Makes a benchmark of harmful pairs whose text tells nothing, and proves that it is one: `build`."""

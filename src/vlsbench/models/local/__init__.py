"""Models in this process: loading, prompts, batches, generation."""

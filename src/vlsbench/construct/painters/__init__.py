"""Painters by reference: ``openai-image:NAME[@URL]``, ``diffusers:REPO_OR_FOLDER``, ``world:painter``."""

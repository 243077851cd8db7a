"""Pinocchio's models: sound and text in, words and claims out. Nothing here imports worker."""

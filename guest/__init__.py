"""The container image: what builds it (`build`) and what runs in it. Imports nothing else of the project."""

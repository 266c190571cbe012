"""Measures the assistant against Rasa's defaults and against the least that Rasa can be.

``make bench`` runs it; ``bench/README.md`` says how to read what it prints.
"""

"""What generated steps share: reading, checking, splitting, fitting, judging and deciding.

Nothing is imported here, so that a step loads only what it uses.
"""

"""The kinds of mail: what a message is beside a letter of a person, why, and what it may do."""

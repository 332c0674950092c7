"""SQL, and nowhere else: functions that take a connection or a session and answer a question.

Two databases, one rule of what the public may see and one budget of statements can each be checked only in one place.
"""

"""What commands print for people: tables and sentences, by Rich.

Which stream it goes to, and what is safe to show there, is for `cli`.
"""

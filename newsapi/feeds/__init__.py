"""Other people's wire, going out: articles in the forms that search engines, readers and partners know.

Everything here is pure: complete records in, documents out, in the words and with the rules of whoever defined the
form. It knows neither our own wire nor the tables, so that a form can follow its definition and nothing else.
"""

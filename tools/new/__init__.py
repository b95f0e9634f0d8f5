"""New services, routes, events and consumers: their code, tests, examples, template section and rows of the docs.

`templates/` has the text of what they write, as Jinja templates in the folders of their results.
"""

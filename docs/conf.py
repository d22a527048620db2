"""The course as a static book; nothing is executed. The source folder is the repository itself:

sphinx-build -n -W -c docs . build/site
"""

project = "Image captions, from pixels to sentences"
extensions = ["myst_nb"]
root_doc = "docs/index"
# The pages link to each other as they lie in the repository, so they are read where they lie.
include_patterns = ["docs/*.md", "*.md", "data/*.md", "benchmarks/*.md", "notebooks/**.ipynb"]
exclude_patterns = ["**/.ipynb_checkpoints", "build", ".venv*"]
html_theme = "sphinx_book_theme"
html_title = project
nb_execution_mode = "off"
myst_heading_anchors = 4
myst_enable_extensions = ["html_image"]  # the small pictures of the table of notebooks
html_theme_options = {"navbar_persistent": []}  # one search field is enough

"""Quiz: what a person thinks before the lesson, and what the experiments say."""

from components import shell
from components.quiz import asking

shell.page("Quiz", "Eight questions, before the lesson and after it.")
asking.ask()

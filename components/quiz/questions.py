"""Questions before and after the lesson, each with the experiment that answers it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with one right answer among `choices`, why it is right, and what shows it.

    `link` is the address of a screen, as it is to be set.
    """

    text: str
    choices: tuple[str, ...]
    right: int
    why: str
    link: str


QUESTIONS = (
    Question(
        text="Why begin with a network that was trained on other photos?",
        choices=(
            "It has seen your photos already.",
            "What it responds to, such as edges, fur and eyes, is useful for new classes too.",
            "A new network cannot learn from photos.",
            "It needs no training photos at all.",
        ),
        right=1,
        why="With four photos of each breed, a new head on such a network is right in most cases. "
        "The features were learned from a million other photos.",
        link="transfer_learning?how=frozen",
    ),
    Question(
        text="What does freezing the backbone do?",
        choices=(
            "It stops the training at the best epoch.",
            "It keeps the photos on disk.",
            "Its weights stay as they are, and only the new head is trained.",
            "It makes the network smaller.",
        ),
        right=2,
        why="The features of each photo are computed once, and only a small head learns from them. "
        "That takes seconds instead of hours.",
        link="transfer_learning?how=frozen",
    ),
    Question(
        text="The same network starts from random weights, on the same few photos. What happens?",
        choices=(
            "It learns these photos by heart and fails on new ones.",
            "It becomes as good, only more slowly.",
            "It becomes better, as nothing old is in its way.",
            "It cannot be trained at all.",
        ),
        right=0,
        why="It has millions of weights and only a few photos to learn them from. On the photos it "
        "learns from it may become perfect; on others it stays near chance.",
        link="transfer_learning?how=from+scratch",
    ),
    Question(
        text="What does dropout do during training?",
        choices=(
            "It leaves out the worst photos.",
            "It sets some values to zero at random in each step.",
            "It removes layers that are not needed.",
            "It lowers the learning rate.",
        ),
        right=1,
        why="Nothing can rely on a single value that may be missing, so what is learned is spread "
        "over many. It helps most where a network has many weights and few photos.",
        link="transfer_learning?how=frozen&photos=2",
    ),
    Question(
        text="What is batch normalization for?",
        choices=(
            "It keeps the values of each layer in about the same range.",
            "It makes all photos of a batch equally bright.",
            "It sorts photos by class.",
            "It compares two networks.",
        ),
        right=0,
        why="Each channel is shifted and scaled to a common range, so that training is stable at "
        "larger steps. Feature maps show each layer's values before and after.",
        link="feature_maps?sample=Cat",
    ),
    Question(
        text="Gradient descent uses a few photos in each step instead of all of them. Why?",
        choices=(
            "The other photos are kept for the test.",
            "The gradient of a few photos is exact.",
            "Many cheap, rough steps get further than a few exact ones in the same time.",
            "More photos than that do not fit on the screen.",
        ),
        right=2,
        why="The gradient of a batch is a rough estimate, but it costs a fraction. In the time of "
        "one exact step, hundreds of rough ones are made.",
        link="transfer_learning?how=frozen",
    ),
    Question(
        text="A network is 99 % sure that noise is a cat. What follows?",
        choices=(
            "There is a cat, too small for us to see.",
            "The network is broken.",
            "Being sure and being right are different things.",
            "Noise and cats are alike.",
        ),
        right=2,
        why="Gradient descent on the picture finds noise that excites the class. The network has "
        "only ever seen photos; its predictions for anything else mean little.",
        link="ideal_images?preset=noise&backbone=Pocket&class=Egyptian+cat",
    ),
    Question(
        text="An attack makes the network call a dog a cat. What was changed?",
        choices=(
            "The network's weights.",
            "Nearly all pixels, each by a little, all towards the same goal.",
            "One pixel, completely.",
            "The name of the file.",
        ),
        right=1,
        why="Two to four of 255 grey levels are enough, since thousands of small changes add up. "
        "Random noise of the same size changes nothing: it is not aimed.",
        link="adversarial_attacks?sample=Bull+mastiff&class=Egyptian+cat",
    ),
)

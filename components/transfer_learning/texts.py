"""What the options of a training do, and what to expect of them."""

OPTIMIZER = (
    "SGD steps against the gradient; momentum keeps some of the last step; Adagrad, RMSprop and "
    "Adam give each weight a step of its own. Adam needs the least care."
)
SCHEDULE = "How the learning rate falls. Smaller steps at the end settle on a better minimum."
DECAY = "Pulls all weights towards zero, so that the network relies a little on many features."
CLIP = "The largest norm of a gradient; 0 for none. It tames a learning rate that is too high."
SMOOTHING = "Share of the target spread over all classes. The network becomes less confident."
BATCH = "Photos per step. Small batches make noisy steps, which can find flatter minima."
AVERAGE = "The mean of the weights over the second half of the epochs: steadier than the last ones."
INITIAL = (
    "What new layers begin with. Too large, and the first steps only undo it; zeros in every layer "
    "can't learn at all."
)
DECAYS, CLIPS = (0.0, 1e-4, 1e-3, 0.01, 0.1), (0.0, 0.1, 1.0, 10.0)

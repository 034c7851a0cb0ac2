"""Search for settings: greedy, or trials of Optuna in a study, nested over folds or not."""

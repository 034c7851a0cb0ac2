#!/usr/bin/env bash
# Six networks on RAVDESS, trained alike and compared clip by clip: docs/results.md has the table.
#
#   examples/compare_ravdess.sh RAVDESS FACE_POSTERIORS.npz OUT
#
# RAVDESS is the folder of the recordings; any visual sequence does in place of the posteriors.
set -euo pipefail

ravdess=$(realpath "$1")
posteriors=$(realpath "$2")
out=$3
export OMP_NUM_THREADS=1
mkdir -p "$out"
cd "$out"
cat > train.toml <<'END'
[ravdess]
channel = "speech"

[train]
batch_size = 64
epochs = 15
patience = 15
outliers = 5.0  # COVAREP's columns have long tails
threads = 1
functionals = "none"  # each network as it is
refit = false
END
emocli manifest ravdess "$ravdess" -o ravdess.csv --config train.toml
emocli extract ravdess.csv -f covarep --store store --workers 2
emocli import "$posteriors" --as face_posteriors --modality visual --manifest ravdess.csv --store store
train() {
  network=$1
  shift
  emocli train ravdess.csv --store store --fusion "$network" --run "runs/$network" --folds 5 \
    --config train.toml -f covarep -f face_posteriors --no-baseline "$@"
}
for network in late early gca rrnn; do
  train "$network" --preset plus --set network.hidden=48 --set network.dropout=0.4 \
    --set network.max_len=1500 --set network.stride.audio=96 --set network.stride.visual=24 \
    --set network.pool.audio=statistics \
    --set train.lr=3e-3 --set train.optimizer=adam --set train.weight_decay=1e-5
done
train m2fnet --preset paper --set network.fusion_residual=add --set network.pos=sinusoidal \
  --set network.speaker_emb=true --set train.class_weights=balanced
train m3er --preset paper --set network.steps=5 --set train.lr=1e-3 --set train.scheduler=plateau
cd runs
emocli compare late early gca rrnn m2fnet m3er -o ../six.md -o ../six.tex
emocli compare late early gca rrnn m2fnet m3er --corrupt visual -o ../six-noisy.md

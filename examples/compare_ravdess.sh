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
END
emocli manifest ravdess "$ravdess" -o ravdess.csv --config train.toml
emocli extract ravdess.csv -f covarep --store store --workers 2
emocli import "$posteriors" --as face_posteriors --modality visual --manifest ravdess.csv --store store
train() {
  network=$1
  shift
  emocli train ravdess.csv --store store --fusion "$network" --run "runs/$network" --folds 5 \
    --preset plus --config train.toml -f covarep -f face_posteriors --no-baseline "$@"
}
for network in late early gca rrnn; do
  train "$network" --set network.hidden=48 --set network.dropout=0.4 --set train.lr=3e-3 \
    --set network.stride.audio=96 --set network.stride.visual=24 --set network.pool.audio=statistics
done
train m2fnet
train m3er --set network.steps=5
cd runs
emocli compare late early gca rrnn m2fnet m3er -o ../six.md -o ../six.tex
emocli compare late early gca rrnn m2fnet m3er --corrupt visual -o ../six-noisy.md

#!/usr/bin/env bash
# From raw RAVDESS recordings to what corrupting the face costs.
#
#   examples/pipeline.sh RAVDESS_FOLDER [face_posteriors.npz]
#
# Repeat the same command after any interruption: every step resumes.
set -euo pipefail
export OMP_NUM_THREADS=1

root=$1
posteriors=${2:-}
store=store
run=runs/ravdess-rrnn

emocli manifest ravdess "$root" -o ravdess.csv
if [ -n "$posteriors" ]; then
    emocli extract ravdess.csv -f covarep --store "$store" --workers 2
    emocli import "$posteriors" --as face_posteriors --modality visual --manifest ravdess.csv --store "$store"
    visual=face_posteriors
else
    emocli extract ravdess.csv -f covarep -f faces -f face_hog --store "$store" --workers 2
    visual=face_hog
fi
emocli fit-cca ravdess.csv --store "$store" -f covarep -f "$visual"
emocli train ravdess.csv --store "$store" -f covarep -f "$visual" --fusion rrnn --run "$run"
emocli evaluate "$run" --corrupt visual
emocli evaluate "$run" --corrupt visual --sweep

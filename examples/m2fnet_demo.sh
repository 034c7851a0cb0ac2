#!/usr/bin/env bash
# M2FNet from raw clips to dialogue predictions, on the generated corpus, in some minutes.
#
#   examples/m2fnet_demo.sh [FOLDER]
#
# Step by step what `emocli reproduce m2f-t2 MANIFEST --from-clips --out OUT` does for a table.
# Encoders of sound and faces, a small RoBERTa with a vocabulary of its own, embeddings, and the
# dialogue network on all three modalities and on each alone. Repeat the same command after any
# interruption: every step resumes.
set -euo pipefail

folder=${1:-m2fnet-demo}
seeds=3
manifest=$folder/manifest.csv
store=$folder/store
mkdir -p "$folder"
export OMP_NUM_THREADS=1

emocli manifest demo "$folder/corpus" -o "$manifest"
emocli extract "$manifest" -f mel -f faces --store "$store" --workers 2 \
    --set faces.min_share=0.2 --set faces.rate=6

small=(--set encoder.side=64 --set train.lr=5e-4 --set train.per_class=6 --set train.threads=1)
emocli fit-encoder audio "$manifest" --store "$store" --run "$folder/audio" "${small[@]}" \
    --set train.epochs=25 --set loss.w_cov=1 &
emocli fit-encoder face "$manifest" --store "$store" --run "$folder/face" "${small[@]}" \
    --set train.epochs=15 --set loss.w_cov=1
wait
emocli fit-text "$manifest" --run "$folder/text" --set text.backbone=scratch \
    --set text.layers=1 --set text.width=32 --set text.pool=mean --set text.context=none \
    --set text.names=false --set text.vocabulary=400 --set text.tokens=64 --set train.lr=3e-3 \
    --set train.batch_size=8 --set train.epochs=15 --set train.patience=15 --set train.threads=1 \
    --set train.crossfit=3

emocli extract "$manifest" -f mel_embedding -f face_embedding -f roberta --store "$store" \
    --workers 2 --set "mel_embedding.encoder=$folder/audio" \
    --set "face_embedding.encoder=$folder/face" --set "roberta.encoder=$folder/text"

features=(roberta mel_embedding face_embedding)
training=(--fusion m2fnet --preset paper --seeds "$seeds" --store "$store" --set train.threads=1
    --set network.fusion_residual=add --set network.pos=sinusoidal --set network.speaker_emb=true
    --set train.class_weights=balanced
    --set network.width=32 --set train.lr=2e-3 --set train.epochs=40 --set train.batch_size=4)
for feature in "${features[@]}"; do
    emocli train "$manifest" -f "$feature" --run "$folder/$feature" "${training[@]}"
done
emocli train "$manifest" -f roberta -f mel_embedding -f face_embedding --run "$folder/all" \
    "${training[@]}"

for run in "${features[@]}"; do
    emocli evaluate "$folder/$run" --no-figures
done
emocli evaluate "$folder/all" --corrupt visual

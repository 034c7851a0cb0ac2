"""Hidden states of published encoders equal those of a direct call of transformers."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from emocli import config, plugins
from emocli.data.clip import Clip
from emocli.data.manifest import Manifest
from emocli.data.media.content import frames, sound
from emocli.errors import ConfigError
from emocli.features._hidden import strided
from emocli.models.hub_encoder import HiddenStates
from emocli.models.speech_reader import chunk_starts, read_speech, stitched
from emocli.plugin.feature import Absent, Track
from tests import hub_models
from tests.conftest import Fixture

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def corpus_settings(fixture: Fixture) -> dict[str, dict[str, Any]]:
    published = fixture("published")
    return {
        "speech_model": {"encoder": published["wav2vec2"]},
        "face_model": {"encoder": published["vit"]},
        "scene_model": {"encoder": published["vit"], "stride": 4},
        "text_model": {"encoder": published["bert"]},
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    root = tmp_path_factory.mktemp("models")
    kinds = ("wav2vec2", "whisper", "vit", "clip", "bert")
    return {kind: getattr(hub_models, kind)(root / kind) for kind in kinds}


def extractor(name: str, clips: tuple[Clip, ...] = (), **settings: Any) -> Any:
    module = plugins.load("features", name)
    settings = {key: str(v) if isinstance(v, Path) else v for key, v in settings.items()}
    return module.prepare(config.build(module.Config, settings, name), clips)


def direct(
    folder: Path, kind: str, dtype: torch.dtype = torch.float32, **inputs: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Every hidden state by a direct call."""
    import transformers

    model = getattr(transformers, kind).from_pretrained(folder).eval().to(dtype)
    with torch.no_grad():
        states: tuple[torch.Tensor, ...] = model(**inputs, output_hidden_states=True).hidden_states
    return states


def waves(folder: Path, samples: np.ndarray) -> torch.Tensor:
    from transformers import Wav2Vec2FeatureExtractor

    read = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    given: torch.Tensor = read(samples, sampling_rate=16000, return_tensors="pt").input_values
    return given


def test_speech(models: Mapping[str, Path], corpus: Manifest) -> None:
    clip, folder = corpus.clips[0], models["wav2vec2"]
    states = direct(folder, "Wav2Vec2Model", input_values=waves(folder, sound(clip, 16000)))
    one = extractor("speech_model", encoder=folder)
    track = one(clip, {})
    assert_allclose(track.values, states[-1][0], **CLOSE)
    assert one.rate == 50
    assert_allclose(np.diff(track.times), 0.02)
    assert track.times[0] == pytest.approx(0.0125)  # the middle of the first 25 ms
    several = extractor("speech_model", encoder=folder, layers=[0, 2])
    assert_allclose(several(clip, {}).values, np.hstack([states[0][0], states[2][0]]), **CLOSE)
    assert several.names[0] == "layer0.h0000"
    every = extractor("speech_model", encoder=folder, layers="all")
    assert_allclose(every(clip, {}).values, np.hstack([s[0] for s in states]), **CLOSE)
    assert len(every.names) == len(set(every.names)) == 48
    mean = extractor("speech_model", encoder=folder, layers="all", mix="mean")
    assert_allclose(mean(clip, {}).values, torch.stack(states).mean(0)[0], **CLOSE)
    row = extractor("speech_model", encoder=folder, pool="mean_std")
    last = states[-1][0].numpy()
    assert_allclose(row(clip, {}).values, [[*last.mean(0), *last.std(0)]], **CLOSE)
    assert row.names[-1] == "std.h0015"
    slow = extractor("speech_model", encoder=folder, stride=5)
    values = slow(clip, {})
    assert slow.rate == 10
    assert_allclose(values.values[0], last[:5].mean(0), **CLOSE)
    assert values.times[0] == pytest.approx(0.0125 + 2 * 0.02)


def test_half_precision_is_near(models: Mapping[str, Path], corpus: Manifest) -> None:
    clip, folder = corpus.clips[0], models["wav2vec2"]
    whole = extractor("speech_model", encoder=folder)(clip, {}).values
    half = extractor("speech_model", encoder=folder, half=True)(clip, {}).values
    assert half.dtype == np.float32
    assert np.abs(whole - half).max() > 1e-6
    # Of 16 units at random; processors that multiply in half precision round more (.97).
    assert np.corrcoef(whole.ravel(), half.ravel())[0, 1] > 0.9
    given, dtype = waves(folder, sound(clip, 16000)), torch.bfloat16
    states = direct(folder, "Wav2Vec2Model", dtype, input_values=given.to(dtype))
    assert_allclose(half, states[-1][0].float(), **CLOSE)


def test_long_speech_is_read_in_chunks(models: Mapping[str, Path]) -> None:
    folder = models["wav2vec2"]
    samples = np.random.default_rng(0).normal(size=16000 * 3 + 123).astype(np.float32)
    reader = extractor("speech_model", encoder=folder, chunk=1.0, overlap=0.2).reader
    rows, times = read_speech(reader, samples)
    whole, moments = read_speech(extractor("speech_model", encoder=folder).reader, samples)
    assert rows.shape == whole.shape
    assert_allclose(times, moments)
    assert np.abs(rows - whole).max() > 1e-4  # each chunk sees its own second only
    given = waves(folder, samples)
    for place, start in ((0, 0), (44, 0), (45, 40), (84, 40), (148, 100)):
        chunk = given[:, start * 320 : start * 320 + 49 * 320 + 400]
        states = direct(folder, "Wav2Vec2Model", input_values=chunk)[-1][0]
        assert_allclose(rows[place], states[place - start], rtol=1e-3, atol=1e-4)


def test_chunks_cover_everything_once() -> None:
    for count in range(1, 60):
        for length, overlap in ((10, 0), (10, 4), (7, 3)):
            size = min(count, length)
            starts = chunk_starts(count, size, overlap)
            own = np.stack([np.arange(s, s + size) for s in starts])[..., None]
            assert stitched(own.astype(np.float32), starts)[:, 0].tolist() == list(range(count))


def test_a_click_is_still_read(models: Mapping[str, Path]) -> None:
    reader = extractor("speech_model", encoder=models["wav2vec2"]).reader
    rows, times = read_speech(reader, np.ones(7, np.float32))
    assert rows.shape == (1, 16)
    assert len(times) == 1


def test_whisper(models: Mapping[str, Path], corpus: Manifest) -> None:
    from transformers import WhisperFeatureExtractor, WhisperModel

    clip, folder = corpus.clips[0], models["whisper"]
    samples = sound(clip, 16000)
    read = WhisperFeatureExtractor.from_pretrained(folder)
    mels = read(samples, sampling_rate=16000, return_tensors="pt").input_features
    with torch.no_grad():
        encoder = WhisperModel.from_pretrained(folder).eval().get_encoder()
        states = encoder(mels, output_hidden_states=True).hidden_states[-1][0]
    track = extractor("speech_model", encoder=folder)(clip, {})
    assert len(track) == len(samples) // 320  # none of the silence behind it
    assert_allclose(track.values, states[: len(track)], **CLOSE)
    with pytest.raises(ConfigError, match="reads 30 s at a time, not 40"):
        extractor("speech_model", encoder=folder, chunk=40.0)


def faces(count: int) -> Track:
    rng = np.random.default_rng(0)
    extra = {
        "main": np.array([True, False, True, False, True][:count]),
        "confidence": np.array([0.99, 0.99, 0.5, 0.0, 0.95][:count]),
        "frame": np.array([0, 0, 1, 2, 3][:count]),
        "found": np.array([True, True, True, False, True][:count]),
    }
    values = rng.integers(0, 256, (count, 40, 40, 3)).astype(np.uint8)
    return Track(values, np.array([0, 0, 0.1, 0.2, 0.3][:count]), extra)


@pytest.mark.parametrize(("kind", "model"), [("vit", "ViTModel"), ("clip", "CLIPVisionModel")])
def test_faces(models: Mapping[str, Path], kind: str, model: str) -> None:
    from transformers import AutoImageProcessor

    shown, folder = faces(5), models[kind]
    crops = [shown.values[0], shown.values[4]]
    read = AutoImageProcessor.from_pretrained(folder)(images=crops, return_tensors="pt")
    states = direct(folder, model, pixel_values=read["pixel_values"])[-1]
    track = extractor("face_model", encoder=folder)(Clip("a"), {"faces": shown})
    assert_allclose(track.values, states[:, 0], **CLOSE)
    assert_allclose(track.times, [0, 0.3])  # no row for a doubtful face, or for none
    assert track.notes == {"frames": 4, "frames.without_face": 2}
    mean = extractor("face_model", encoder=folder, tokens="mean", pool="max", batch=1)
    expected = states.mean(dim=1).max(dim=0, keepdim=True).values
    assert_allclose(mean(Clip("a"), {"faces": shown}).values, expected, **CLOSE)
    second = extractor("face_model", encoder=folder, stride=2)(Clip("a"), {"faces": shown})
    assert_allclose(second.values, states[:1, 0], **CLOSE)


def test_frames(models: Mapping[str, Path], corpus: Manifest) -> None:
    from transformers import AutoImageProcessor

    clip, folder = corpus.clips[0], models["vit"]
    pictures = [frame.image for frame in frames(clip)][::4]
    read = AutoImageProcessor.from_pretrained(folder)(images=pictures, return_tensors="pt")
    states = direct(folder, "ViTModel", pixel_values=read["pixel_values"])[1]
    track = extractor("scene_model", encoder=folder, stride=4, layers=1)(clip, {})
    assert_allclose(track.values, states[:, 0], **CLOSE)
    assert len(track.times) == len(pictures)


def test_words(models: Mapping[str, Path], tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    text, folder = "so  wonder you love it", models["bert"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    read = tokenizer(text, return_tensors="pt")
    owners = read.word_ids()
    assert len(owners) > 2 + 5  # a word has several tokens
    states = direct(folder, "BertModel", **read)[-1][0].numpy()
    words = [states[[o == k for o in owners]].mean(0) for k in range(5)]
    instance = extractor("text_model", encoder=folder)
    assert_allclose(instance(Clip("a", text=text), {}).values, words, **CLOSE)
    cls = extractor("text_model", encoder=folder, pool="cls")(Clip("a", text=text), {})
    assert_allclose(cls.values, states[:1], **CLOSE)
    mean = extractor("text_model", encoder=folder, pool="mean")(Clip("a", text=text), {})
    assert_allclose(mean.values[0], states[1:-1].mean(0), **CLOSE)
    (tmp_path / "w.csv").write_text("start,end,word\n0,1,no\n1,2,so\n2,2.5,wonder\n9,10,you\n")
    clip = Clip("b", start=1.0, end=3.0, media={"words": tmp_path / "w.csv"})
    timed = extractor("text_model", (clip,), encoder=folder)(clip, {})
    assert_allclose(timed.times, [0.5, 1.25])
    assert_allclose(timed.values, instance(Clip("a", text="so wonder"), {}).values, **CLOSE)
    with pytest.raises(Absent):
        instance(Clip("a", text="  "), {})


def test_long_texts_are_read_in_pieces(models: Mapping[str, Path]) -> None:
    folder = models["bert"]
    text = " ".join(["so it it so so it"] * 8)
    whole = extractor("text_model", encoder=folder)
    short = extractor("text_model", encoder=folder, tokens=20, overlap=8)
    track = short(Clip("a", text=text), {})
    assert track.notes == {"tokens": 48, "words": 48}  # none is lost or doubled
    assert np.abs(track.values).min(axis=0).max() > 0
    first = " ".join(text.split()[:18])
    alone = whole(Clip("a", text=first), {}).values
    assert_allclose(track.values[:13], alone[:13], **CLOSE)  # up to the middle of the overlap
    assert np.abs(track.values[15:18] - alone[15:18]).max() > 1e-4


def test_pieces_of_a_text_are_read_so_many_at_a_time(
    models: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other batches are other calls of the encoder, and the same rows."""
    text = " ".join(["so it it so so it"] * 8)
    read, sizes = HiddenStates.__call__, []

    def counted(self: HiddenStates, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        sizes.append(len(inputs["input_ids"]))
        return read(self, inputs)

    monkeypatch.setattr(HiddenStates, "__call__", counted)
    rows, calls = [], []
    for batch in (1, 3):
        instance = extractor(
            "text_model", encoder=models["bert"], tokens=20, overlap=8, batch=batch
        )
        sizes.clear()
        rows.append(instance(Clip("a", text=text), {}).values)
        calls.append(list(sizes)[-4:])
    assert_allclose(rows[0], rows[1], **CLOSE)
    assert set(calls[0]) == {1}
    assert max(calls[1]) == 3
    assert sum(calls[1]) >= len(calls[0])


def test_nothing_but_safetensors_and_no_code(models: Mapping[str, Path], tmp_path: Path) -> None:
    from transformers import ViTModel

    pickled = hub_models.vit(tmp_path / "pickled")
    torch.save(ViTModel.from_pretrained(pickled).state_dict(), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match="cannot be had"):
        extractor("face_model", encoder=pickled)
    remote = hub_models.vit(tmp_path / "remote")
    described = json.loads((remote / "config.json").read_text())
    described |= {
        "model_type": "own",
        "auto_map": dict.fromkeys(("AutoConfig", "AutoModel"), "own.A"),
    }
    (remote / "config.json").write_text(json.dumps(described))
    (remote / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass A: pass\n")
    with pytest.raises(ConfigError, match="cannot be had"):
        extractor("face_model", encoder=remote)
    assert not (tmp_path / "ran").exists()


def test_what_does_not_fit_is_said(models: Mapping[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no layer 3; there are 0 to 2"):
        extractor("face_model", encoder=models["vit"], layers=3)
    odd = hub_models.wav2vec2(tmp_path / "odd")
    for name in ("config.json", "model.safetensors"):
        (odd / name).write_bytes((models["vit"] / name).read_bytes())
    with pytest.raises(ConfigError, match="is a vit, which is not fed with sound"):
        extractor("speech_model", encoder=odd)
    with pytest.raises(ConfigError, match="at most 64 tokens, not 100"):
        extractor("text_model", encoder=models["bert"], tokens=100)
    with pytest.raises(ConfigError, match="half a chunk"):
        extractor("speech_model", encoder=models["wav2vec2"], chunk=1.0, overlap=0.6)


def test_other_parameters_are_another_feature(models: Mapping[str, Path], tmp_path: Path) -> None:
    module = plugins.load("features", "face_model")
    one = module.Config(encoder=str(models["vit"]))
    assert len(one.digest) == 2 * 64
    torch.manual_seed(1)
    other = hub_models.clip(tmp_path / "clip")
    assert module.Config(encoder=str(other)).digest != one.digest


def test_another_tokenizer_is_another_feature(models: Mapping[str, Path], tmp_path: Path) -> None:
    kind, own = plugins.load("features", "text_model").Config, tmp_path / "bert"
    shutil.copytree(models["bert"], own)
    before = kind(encoder=str(own)).digest
    assert before == kind(encoder=str(models["bert"])).digest
    parameters = before[:64]
    for name in ("tokenizer.json", "config.json"):
        file = own / name
        file.write_text(file.read_text("utf-8").replace("[UNK]", "[OTHER]") + "\n", "utf-8")
        after = kind(encoder=str(own)).digest
        assert after.startswith(parameters)
        assert after != before
        before = after


def test_each_process_loads_its_own(models: Mapping[str, Path], corpus: Manifest) -> None:
    instance = extractor("speech_model", encoder=models["wav2vec2"])
    packed = pickle.dumps(instance)
    assert len(packed) < 2000
    clip = replace(corpus.clips[0])
    assert_allclose(pickle.loads(packed)(clip, {}).values, instance(clip, {}).values)


def test_averages_of_rows() -> None:
    rows = np.arange(14, dtype=np.float64).reshape(7, 2)
    assert_allclose(strided(rows, 3), [[2, 3], [8, 9], [12, 13]])
    assert_allclose(strided(rows[:0], 3), rows[:0])

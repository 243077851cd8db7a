"""Builds the parts from a configuration: values go in, so that no part knows the whole of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

from models.asr import Decoding, Samples, Transcriber
from models.audio import DecoderPool
from models.classifier import ClaimClassifier, ClassifierError
from models.cues import Cues, CuesError
from models.labels import Label, LabelsError, load_labels
from models.lexicon import Lexicon, LexiconError
from models.results import Found, Text
from models.speech import CutRules
from models.vad import SpeechDetector
from models.variants import VariantsError, load_variants
from worker import metrics
from worker.blobs import BlobStore
from worker.config import Config, ConfigError, SpeechSection
from worker.detection import Detection, Shown
from worker.detection import Transcriber as Recognises
from worker.hearing import Blobs, Decoders, Hearing
from worker.listings import LABELS as LISTING_LABELS
from worker.policy import PolicyError, load_policy
from worker.reload import Reloader, fingerprint
from worker.resources import resource
from worker.rulebook import Rulebook
from worker.sequences import KEPT_S, Watch
from worker.service import Limits

SHIPPED_SPEECH = "models/weights/speech"
SHIPPED_CLASSIFIER = "models/weights/claims"
RULES_ALONE = "none"
_TRANSCRIPTS = 64


class Ears(NamedTuple):
    """What reads the sound: the decoders, and the store of sound that messages only refer to."""

    decoders: Decoders
    blobs: Blobs | None = None


class Recogniser(Recognises, Protocol):
    """A speech model: rows to words, and samples to what a row holds."""

    def features(self, samples: Samples, /) -> Samples: ...


def load_rulebook(config: Config) -> Rulebook:
    """Labels, rules, classifier and policy. Raises ConfigError where one of them cannot be used."""
    labels = _labels(config)
    return _rulebook(config, labels, load_classifier(config.classifier.model, labels))


def reloader(config: Config) -> Reloader:
    """The same, kept up to date with the files; the classifier stays. Raises ConfigError.

    An edit that adds or removes labels is refused: the classifier and what watches for sequences know the old ones.
    """
    first = _labels(config)
    classifier = load_classifier(config.classifier.model, first)

    def load() -> Rulebook:
        labels = _labels(config)
        if changed := sorted(set(labels) ^ set(first)):
            raise ConfigError((f"{_labels_file(config)}: labels that join or go need a restart: {', '.join(changed)}",))
        return tried(_rulebook(config, labels, classifier))

    return Reloader(load, lambda: fingerprint((_labels_file(config), _rules_folder(config), _policy_file(config))))


def _rulebook(config: Config, labels: Mapping[str, Label], classifier: ClaimClassifier | None) -> Rulebook:
    in_text = {code for code, label in labels.items() if label.in_text}
    if classifier is not None and (unknown := sorted(set(classifier.labels) - in_text)):
        raise ConfigError(
            (f"{_labels_file(config)}: the classifier finds {', '.join(unknown)}, which text cannot show",)
        )
    try:
        lexicon = Lexicon.load(_rules_folder(config), labels)
        policy = load_policy(_policy_file(config), labels)
    except (LexiconError, PolicyError) as error:
        raise ConfigError((str(error),)) from error
    return Rulebook(
        labels=labels,
        finder=lexicon,
        classifier=classifier.with_thresholds(policy.thresholds()) if classifier else None,
        policy=policy,
        on_trial=OnTrial(lexicon) if any(one.rule.shadow for one in lexicon.rules) else None,
    )


class OnTrial(NamedTuple):
    """The rules of a lexicon that stand in shadow, as a finder of their own."""

    lexicon: Lexicon

    @property
    def version(self) -> str:
        return self.lexicon.version

    def find(self, text: str, language: str, category: str | None = None) -> list[Found]:
        return self.lexicon.find(text, language, category, shadow=True)


def _labels(config: Config) -> dict[str, Label]:
    file = _labels_file(config)
    try:
        labels = load_labels(file)
    except LabelsError as error:
        raise ConfigError((str(error),)) from error
    if missing := sorted(set(LISTING_LABELS.values()) - set(labels)):
        raise ConfigError((f"{file}: no label {', '.join(missing)}, which the listing check finds",))
    return labels


def _labels_file(config: Config) -> Path:
    return config.labels.file or resource("configs/labels.yaml")


def _rules_folder(config: Config) -> Path:
    return config.lexicon.folder or resource("configs/lexicon")


def _policy_file(config: Config) -> Path:
    return config.policy.file or resource("configs/policy.yaml")


def load_classifier(model: str | None, labels: Mapping[str, Label]) -> ClaimClassifier | None:
    """The classifier of a folder, None for ``none``, the shipped one without a name. Raises ConfigError."""
    if model == RULES_ALONE:
        return None
    in_text = [code for code, label in labels.items() if label.in_text]
    try:
        return ClaimClassifier.load(model or resource(SHIPPED_CLASSIFIER), in_text)
    except (ClassifierError, FileNotFoundError) as error:
        raise ConfigError((f"classifier.model: {error}",)) from error


def load_watch(config: Config) -> Watch:
    """The rules over several utterances. Raises ConfigError where they, or the labels, cannot be used."""
    try:
        labels = load_labels(_labels_file(config))
        known = _rules_folder(config) / "variants.yaml"
        variants = load_variants(known) if known.exists() else None
        cues = Cues.load(config.sequences.file or resource("configs/sequences.yaml"), labels, variants)
    except (LabelsError, VariantsError, CuesError) as error:
        raise ConfigError((str(error),)) from error
    cues.find("一")  # reads its dictionaries now
    return Watch(cues, labels, jurisdiction=config.detection.jurisdiction)


def load_speech(speech: SpeechSection) -> Transcriber:
    """The speech model, tried on a second of silence. Raises SpeechModelError, FileNotFoundError."""
    transcriber = Transcriber.load(
        speech.model or str(resource(SHIPPED_SPEECH)),
        speech.device,
        speech.compute_type,
        threads=speech.threads,
        decoding=decoding(speech),
    )
    transcriber.self_test()
    return transcriber


def decoding(speech: SpeechSection) -> Decoding:
    """How rows are batched and decoded; the windows are the model's own."""
    return Decoding(beam=speech.beam, batch=speech.batch)


def decoder_pool(config: Config) -> DecoderPool:
    """The decoding children, each restart counted."""
    audio = config.audio
    return DecoderPool(
        audio.decoders,
        limit_s=audio.limit_s,
        wall_s=audio.child_timeout_s,
        memory_mb=audio.child_memory_mb,
        on_restart=metrics.DECODER_RESTARTS.inc,
    )


def blob_store(config: Config) -> BlobStore | None:
    """Where blobs lie. Raises ConfigError for a URL that nothing here can read."""
    root = config.audio.blob_root
    if not root:
        return None
    try:
        return BlobStore(root)
    except (ImportError, ValueError) as error:
        raise ConfigError((f"audio.blob_root: {root} cannot be used: {error}",)) from error


def detection(
    config: Config,
    current: Callable[[], Rulebook],
    transcriber: Recogniser,
    ears: Ears,
    goods: Shown | None = None,
    clock: Callable[[], float] = time.time,
) -> Detection:
    """The handler of sound and text. ``current`` gives what is in force, ``goods`` tells what is shown; ``clock``
    (epoch seconds) only measures latency."""
    tried(current())
    hearing = Hearing(
        ears.decoders,
        SpeechDetector(),
        CutRules(min_silence_ms=config.detection.min_silence_ms, max_utterance_s=config.detection.max_utterance_s),
        transcriber.features,
        ears.blobs,
        silent_after_s=config.detection.silent_after_s,
        most_held_s=config.work.max_held_s,
    )
    return Detection(
        hearing,
        transcriber,
        current,
        goods=goods,
        jurisdiction=config.detection.jurisdiction,
        clock=clock,
    )


def tried(book: Rulebook) -> Rulebook:
    """The same, its dictionaries read: now, and not when the next host speaks."""
    book.finder.find("一", "zh")
    if book.classifier is not None:
        book.classifier.judge([Text(text="一")])
    return book


def limits(config: Config) -> Limits:
    return Limits(
        batch_messages=config.detection.batch_messages,
        grace_s=config.work.grace_s,
        failing_streams=config.work.dead_streams_limit,
        failing_window_s=config.work.dead_streams_window_s,
    )


def sequence_limits(config: Config) -> Limits:
    """Transcripts are small, and cheap to handle: many at a time, and the last minutes are read back."""
    return replace(limits(config), batch_messages=_TRANSCRIPTS, back_s=KEPT_S)

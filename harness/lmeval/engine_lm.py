"""EngineLM: lm-eval's view of one model variant on our engine.

Tokenisation, truncation, windows and stop strings are lm-eval's own: of its HFLM for the
transformers engine, of its vLLM model for vllm. What is answered already is not asked again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import TemplateError
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import (
    handle_stop_sequences,
    has_bos_prefix,
    normalize_gen_kwargs,
    postprocess_generated_text,
    resolve_max_length,
)
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from harness.engines.base import Answer, Engine, Request
from harness.errors import ConfigError, RunError
from harness.lmeval.responses import Kind, Response, response_key
from harness.templates import ChatTemplate, bos_text
from harness.types import Adapter, Sampling

DEFAULT_MAX_TOKENS = 256
"""lm-eval's max_gen_toks where a task says nothing."""
IGNORED_WHEN_GREEDY = ("do_sample", "top_k", "top_p", "min_p", "typical_p")
NEUTRAL: Mapping[str, object] = {
    "num_beams": 1,
    "repetition_penalty": 1.0,
    "num_return_sequences": 1,
    "early_stopping": False,
    "no_repeat_ngram_size": 0,
    "use_cache": True,
}
"""Arguments of generation that change nothing when they have these values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a model reads text, the same for all its variants."""

    tokenizer: Any
    template: ChatTemplate
    engine: str
    """Registered name: decides whose rules of truncation hold."""
    max_length: int
    """Tokens of the model's context."""
    model: str = "engine"
    seed: int = 0

    @property
    def is_vllm(self) -> bool:
        """Whether lm-eval's vLLM rules hold, which keep a place for a generated token."""
        return self.engine == "vllm"

    @property
    def longest_scored(self) -> int:
        """Tokens of context and continuation that can be scored; the last one is never read."""
        return self.max_length - 1 if self.is_vllm else self.max_length + 1

    @property
    def longest_window(self) -> int:
        """Tokens that one rolling window reads."""
        return self.max_length - 2 if self.is_vllm else self.max_length


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One of lm-eval's requests, as the engine gets it."""

    key: str
    request: Request


class EngineLM(TemplateLM):
    """Answers lm-eval's requests with one variant of the model that an engine has loaded.

    Args:
        engine: The loaded engine; None to answer only from what is stored.
        reading: Tokenizer, template and limits.
        adapter: The variant; None is the untouched base.
        responses: Stored answers by key; new ones are added.
        keep: Called with each new answer as it arrives.
    """

    backend = "causal"

    def __init__(
        self,
        engine: Engine | None,
        reading: Reading,
        *,
        adapter: Adapter | None = None,
        responses: dict[str, Response] | None = None,
        keep: Callable[[Response], None] | None = None,
    ) -> None:
        super().__init__()
        self.tokenizer = reading.tokenizer
        self.n_truncated = 0
        """Requests whose context was cut on the left to fit the model."""
        self._engine = engine
        self._reading = reading
        self._adapter = adapter
        self.responses = {} if responses is None else responses
        """What is answered, by key."""
        self._keep = keep
        self._serve = self._ask

    @property
    def eot_token_id(self) -> int:
        """The end token."""
        return self.tokenizer.eos_token_id

    @property
    def prefix_token_id(self) -> int:
        """What an empty context is replaced by: the begin token, else the end token."""
        begin = self.tokenizer.bos_token_id
        return self.eot_token_id if begin is None else begin

    @property
    def max_length(self) -> int:
        """Tokens of the model's context."""
        return self._reading.max_length

    @property
    def max_gen_toks(self) -> int:
        """Longest generation of a task that sets none."""
        return DEFAULT_MAX_TOKENS

    @property
    def tokenizer_name(self) -> str:
        """For lm-eval's own caches."""
        return f"{self._reading.model}-{self._reading.template.digest[:12]}".replace("/", "__")

    def plan(self, instances: Sequence[Any]) -> dict[str, Request]:
        """Return what the engine is still to be asked, by key; ask nothing.

        Args:
            instances: lm-eval's requests; each is asked `repeats` times.
        """
        found: dict[str, Request] = {}

        def collect(asked: Sequence[Asked]) -> list[Response]:
            found.update({one.key: one.request for one in asked})
            return [Response(key=one.key, logprob=0.0, is_greedy=False) for one in asked]

        self._serve = collect
        try:
            for kind in dict.fromkeys(one.request_type for one in instances):
                group = [one for one in instances if one.request_type == kind]
                getattr(self, kind)([one for one in group for _ in range(one.repeats or 1)])
        finally:
            self._serve = self._ask
        return {key: request for key, request in found.items() if key not in self.responses}

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **kwargs: Any
    ) -> list[int]:
        """Tokenise as lm-eval's models do: special tokens unless the text begins with one."""
        del kwargs
        if not string:
            return []
        options: dict[str, Any] = {}
        if add_special_tokens is not None:
            options["add_special_tokens"] = add_special_tokens
        elif has_bos_prefix(string, self.tokenizer.decode(self.prefix_token_id)):
            options["add_special_tokens"] = False
        return list(self.tokenizer(string, **options)["input_ids"])

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Lay a conversation out by our template; without its system turn where that has none."""
        try:
            return self._rendered(chat_history, for_answer=add_generation_prompt)
        except TemplateError:
            turns = [turn for turn in chat_history if turn["role"] != "system"]
            return self._rendered(turns, for_answer=add_generation_prompt)

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """Return the template's source."""
        return self._reading.template.source if chat_template else None

    def loglikelihood(
        self, requests: Sequence[Any], disable_tqdm: bool = True
    ) -> list[tuple[float, bool]]:
        """Return (log-likelihood in nats, whether greedy decoding gives it) per continuation."""
        del disable_tqdm
        return super().loglikelihood(list(requests), disable_tqdm=True)

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Return a continuation per request, cut before its first stop string."""
        del disable_tqdm
        seen: Counter[str] = Counter()
        asked: list[Asked] = []
        stops: list[list[str]] = []
        for context, options in (request.args[:2] for request in requests):
            request, until = self._generation(context, options)
            number = 0
            if request.sampling.temperature > 0:  # a repetition is to be another sample
                key = response_key("generate_until", (context, options))
                number, seen[key] = seen[key], seen[key] + 1
                sampling = replace(request.sampling, seed=request.sampling.seed + number)
                request = replace(request, sampling=sampling)
            asked.append(self._asked("generate_until", (context, options), request, number))
            stops.append(until)
        return [
            postprocess_generated_text(response.text, until, None)
            for response, until in zip(self._serve(asked), stops, strict=True)
        ]

    def loglikelihood_rolling(
        self, requests: Sequence[Any], disable_tqdm: bool = False
    ) -> list[float]:
        """Return the log-likelihood of each whole text, in windows of the model's length."""
        del disable_tqdm
        asked = [
            self._asked("loglikelihood_rolling", request.args, self._windows(request.args[0]))
            for request in requests
        ]
        return [response.logprob or 0.0 for response in self._serve(asked)]

    def _loglikelihood_tokens(
        self,
        requests: Sequence[tuple[tuple[str, str], list[int], list[int]]],
        disable_tqdm: bool = False,
        **kwargs: Any,
    ) -> list[tuple[float, bool]]:
        del disable_tqdm, kwargs
        asked = [
            self._asked("loglikelihood", texts, self._scoring(context, continuation, texts))
            for texts, context, continuation in requests
        ]
        return [(one.logprob or 0.0, bool(one.is_greedy)) for one in self._serve(asked)]

    def _asked(
        self, kind: Kind, arguments: Sequence[Any], request: Request, occurrence: int = 0
    ) -> Asked:
        return Asked(key=response_key(kind, arguments, occurrence), request=request)

    def _ask(self, asked: Sequence[Asked]) -> list[Response]:
        """Ask the engine what is not stored; return all in order.

        Raises:
            RunError: the engine failed, or there is none.
        """
        missing = {one.key: one.request for one in asked if one.key not in self.responses}
        if missing and self._engine is None:
            raise RunError(
                f"lm-eval asked for {len(missing)} answers that are not stored; run it again"
            )
        if missing and self._engine is not None:
            requests = [replace(request, key=key) for key, request in missing.items()]
            for answer in self._engine.answer(requests):
                response = response_of(missing[answer.key], answer, key=answer.key)
                if response.error is not None:
                    raise RunError(f"lm-eval: the engine failed: {response.error}")
                self.responses[answer.key] = response
                if self._keep is not None:
                    self._keep(response)
        return [self.responses[one.key] for one in asked]

    def _rendered(self, turns: Sequence[Mapping[str, str]], *, for_answer: bool) -> str:
        return self.tokenizer.apply_chat_template(
            list(turns),
            chat_template=self._reading.template.source,
            tokenize=False,
            add_generation_prompt=for_answer,
            continue_final_message=not for_answer,
            bos=bos_text(self.tokenizer),
        )

    def _generation(self, context: str, options: Mapping[str, Any]) -> tuple[Request, list[str]]:
        """Return the request and all strings at which its text is cut."""
        given: dict[str, Any] = dict(normalize_gen_kwargs(dict(options), DEFAULT_MAX_TOKENS))
        end = self.tokenizer.decode(self.eot_token_id)
        until = [stop for stop in handle_stop_sequences(given.pop("until"), eos=end) if stop]
        max_tokens = int(given.pop("max_gen_toks"))
        room = self.max_length - max_tokens
        if room < 1:
            raise ConfigError(
                f"lm-eval: max_gen_toks is {max_tokens}, the model's context {self.max_length}; "
                "nothing is left for the prompt"
            )
        sampling = Sampling(
            max_tokens=max_tokens,
            stop=tuple(until),
            seed=self._reading.seed,
            keeps_special_tokens=self._reading.is_vllm,
            **_sampled(given),
        )
        ids = self._cut(self.tok_encode(context) or [self.prefix_token_id], room)
        return Request(key="", prompt_ids=ids, sampling=sampling, adapter=self._adapter), until

    def _scoring(
        self, context: Sequence[int], continuation: Sequence[int], texts: tuple[str, str]
    ) -> Request:
        room = self._reading.longest_scored - len(continuation)
        if not continuation or room < 1:
            what = "has no tokens" if not continuation else "is longer than the model's context"
            raise ConfigError(f"lm-eval: the continuation {texts[1][:80]!r} {what}")
        return self._score_request([(self._cut(context, room), tuple(continuation))])

    def _windows(self, text: str) -> Request:
        windows = get_rolling_token_windows(
            token_list=self.tok_encode(text),
            prefix_token=self.prefix_token_id,
            max_seq_len=self._reading.longest_window,
            context_len=1,
        )
        pairs = [make_disjoint_window(window) for window in windows]
        if not pairs:
            raise ConfigError("lm-eval: a document to be scored is empty")
        return self._score_request([(tuple(seen), tuple(scored)) for seen, scored in pairs])

    def _score_request(self, pairs: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> Request:
        return Request(
            key="",
            prompt_ids=pairs[0][0],
            sampling=Sampling(max_tokens=1),
            contexts=tuple(context for context, _ in pairs),
            choice_ids=tuple(choice for _, choice in pairs),
            adapter=self._adapter,
        )

    def _cut(self, ids: Sequence[int], room: int) -> tuple[int, ...]:
        """Keep the last `room` tokens; what is cut is counted."""
        if len(ids) > room:
            self.n_truncated += 1
        return tuple(ids[-room:])


def usual_length(tokenizer: Any) -> int:
    """Return the context in tokens that lm-eval assumes where a model's config does not tell."""
    return resolve_max_length(None, tokenizer)


def response_of(request: Request, answer: Answer, *, key: str) -> Response:
    """Return what is stored of an answer."""
    scores = answer.choice_logprobs
    greedy = answer.choice_greedy
    return Response(
        key=key,
        text=answer.text,
        logprob=None if scores is None else float(sum(scores)),
        is_greedy=None if greedy is None else all(greedy),
        finish=answer.finish,
        prompt_tokens=sum(map(len, request.contexts)) or len(request.prompt_ids),
        completion_tokens=answer.completion_tokens,
        seconds=round(answer.seconds, 3),
        error=answer.error,
    )


def _sampled(given: dict[str, Any]) -> dict[str, float]:
    """Return temperature and top_p of what is left of the arguments of a generation.

    Raises:
        ConfigError: an argument that our engines do not have.
    """
    temperature = float(given.pop("temperature", 0.0)) if given.get("do_sample") else 0.0
    given.pop("temperature", None)
    top_p = float(given.get("top_p", 1.0))
    is_neutral = {name for name, value in given.items() if NEUTRAL.get(name) == value}
    unknown = set(given) - is_neutral - {"do_sample", "top_p"}
    if temperature == 0:
        unknown -= set(IGNORED_WHEN_GREEDY)
        top_p = 1.0
    if unknown:
        raise ConfigError(
            f"lm-eval: the task asks for {', '.join(sorted(unknown))} in generation_kwargs; "
            "Tunemark's engines take until, max_gen_toks, do_sample, temperature and top_p"
        )
    return {"temperature": temperature, "top_p": top_p}

"""Random words whose number of tokens is known, or nearly."""

import hashlib
from dataclasses import dataclass

# 256 common English words: one token each in the tokenizers of large models, wherever in a text they stand.
COMMON = (  # noqa: SIM905 -- a literal list would fill three screens
    "time year people way day man thing woman life child world school state family student group country problem hand "
    "part place case week company system program question work number night point home water room mother area money "
    "story fact month lot right study book eye job word business issue side kind head house service friend father "
    "power hour game line end member law car city name team minute idea body back parent face others level office "
    "door health person art war history party result change morning reason research girl guy moment air teacher force "
    "letter model server token batch answer window cache request queue engine memory light paper table river food "
    "good new first last long great little own other old big high different small large next early young important "
    "few public bad same able be have do say get make go know take see come think look want give use find tell ask "
    "seem feel try leave call keep let begin show hear play run move like live believe hold bring happen write sit "
    "stand lose pay meet include continue set learn lead understand watch follow stop create speak read allow add "
    "spend grow open walk win offer remember love consider appear buy wait serve die send expect build stay fall cut "
    "reach kill remain suggest raise pass sell require report decide pull north south east west green blue red black "
    "white summer winter road street field market price cost value rate sound music picture phone list test tree land "
    "sea sun wind fire plan"
).split()
SIZE = 256


@dataclass(frozen=True)
class Words:
    """SIZE words to draw from."""

    words: tuple[str, ...]

    def text(self, seed: int, name: str, count: int) -> str:
        """The first `count` words of the text called `name`.

        SHAKE-256 draws them, which is quick and the same everywhere.
        """
        drawn = hashlib.shake_256(f"{seed}:{name}".encode()).digest(count)
        return " ".join([self.words[byte] for byte in drawn])


def words_for(tokenizer: str | None) -> Words:
    """Common words; or, given a tokenizer's folder or file, words of exactly one of its tokens each."""
    if tokenizer is None:
        return Words(tuple(COMMON))
    from vgate.workload.tokenizer import one_token_words  # a library of its own

    return Words(one_token_words(tokenizer))

"""What bodies the dry-run engine takes, as Pydantic models: the fields that it honours."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vgate.errors import BadRequest

_Stop = Annotated[str, Field(min_length=1)]


class Common(BaseModel):
    """Fields of both generating endpoints."""

    model_config = ConfigDict(strict=True, extra="forbid")

    model: str | None = None
    max_tokens: int | None = Field(None, ge=1)
    n: int | None = Field(1, ge=1, le=128)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)  # as in vLLM
    stop: _Stop | list[_Stop] | None = None
    stream: bool | None = False
    stream_options: dict[Literal["include_usage"], bool] | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    ignore_eos: bool = False
    user: str | None = None


class Part(BaseModel):
    """A piece of a message's content; only text."""

    model_config = ConfigDict(strict=True, extra="forbid")

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(strict=True, extra="forbid")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part]
    name: str | None = None


class Chat(Common):
    """A body of `/v1/chat/completions`."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    continue_final_message: bool = False
    add_generation_prompt: bool = True

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        """As in vLLM; and the message that is continued is the assistant's."""
        if self.continue_final_message and self.add_generation_prompt:
            raise ValueError("cannot set both continue_final_message and add_generation_prompt to true")
        if self.continue_final_message and self.messages[-1].role != "assistant":
            raise ValueError("continue_final_message needs a final message of the assistant")
        return self


class Completion(Common):
    """A body of `/v1/completions`."""

    prompt: str | list[str] | list[int] = Field(min_length=1)


SHAPES: dict[str, type[BaseModel]] = {"chat": Chat, "completions": Completion}


def validated(shape: type[BaseModel], body: dict[str, Any]) -> BaseModel:
    """The body in its shape; BadRequest that names the field, what it holds and what is wrong with it."""
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if not first["loc"]:  # it is about several fields
            raise BadRequest(first["msg"].removeprefix("Value error, "), "continue_final_message") from None
        param = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{param}: {first['msg']}, got {str(first['input'])[:80]!r}", str(first["loc"][0])) from None

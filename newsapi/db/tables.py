"""Table of secrets that all nodes share."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base


class Secret(Base):
    """A random value that all nodes share, used where no setting provides one."""

    __tablename__ = "secret"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]

"""The files of the accounts in use: a limited number is open, and what is idle is closed."""

from __future__ import annotations

import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote, unquote

import structlog

from services.indexer.adapters.account_file import AccountFile, OtherFile, remove_file

log = structlog.get_logger("indexer")
_SUFFIX = ".sqlite"
Opener = Callable[[Path], AccountFile]


class _Use:
    """A file, and how many threads use it."""

    def __init__(self) -> None:
        self.file: AccountFile | None = None
        self.users = 0
        self.is_leaving = False
        self.last = time.monotonic()
        self.opening = threading.Lock()


class OpenAccounts:
    """Opens and closes the files. Its methods run in threads."""

    def __init__(self, folder: Path, opener: Opener, limit: int, begun_anew: Callable[[str], None]) -> None:
        """`begun_anew` is called, in a thread, with an account whose file was of another version."""
        self._folder = folder
        self._opener = opener
        self._limit = limit
        self._begun_anew = begun_anew
        self._uses: OrderedDict[str, _Use] = OrderedDict()
        self._changed = threading.Condition()

    def path(self, account: str) -> Path:
        """Where the file of an account is."""
        part = blake2b(account.encode(), digest_size=1).hexdigest()
        return self._folder / part / (quote(account, safe="") + _SUFFIX)

    def accounts(self) -> list[str]:
        """The accounts with a file."""
        return sorted(unquote(path.name[: -len(_SUFFIX)]) for path in self._folder.glob(f"??/*{_SUFFIX}"))

    @contextmanager
    def using(self, account: str, *, begin: bool) -> Iterator[AccountFile | None]:
        """The open file of an account; None when there is none and it is not to be begun."""
        path = self.path(account)
        if not begin and not path.exists():
            yield None
            return
        use = self._enter(account)
        try:
            yield self._opened(use, account)
        finally:
            self._leave(use)

    def _enter(self, account: str) -> _Use:
        with self._changed:
            while (use := self._uses.get(account)) is not None and use.is_leaving:
                self._changed.wait()
            if use is None:
                use = self._uses[account] = _Use()
            use.users += 1
            self._uses.move_to_end(account)
            return use

    def _leave(self, use: _Use) -> None:
        with self._changed:
            use.users -= 1
            use.last = time.monotonic()
            self._changed.notify_all()
        self._close_some(lambda _use, open_files: open_files > self._limit)

    def _opened(self, use: _Use, account: str) -> AccountFile:
        path = self.path(account)
        with use.opening:
            if use.file is not None:
                use.file.check()
            else:
                try:
                    use.file = self._opener(path)
                except OtherFile as error:
                    log.info("indexer.begun_anew", file=str(path), reason=str(error))
                    remove_file(path)
                    self._begun_anew(account)
                    use.file = self._opener(path)
            return use.file

    def close_idle(self, seconds: float) -> bool:
        """Close what was not used for so long; whether anything is open still."""
        before = time.monotonic() - seconds
        self._close_some(lambda use, _open_files: use.last <= before)
        return bool(self._uses)

    def _close_some(self, is_due: Callable[[_Use, int], bool]) -> None:
        with self._changed:
            leaving: list[tuple[str, _Use]] = []
            count = len(self._uses)
            for account, use in self._uses.items():
                if not use.users and not use.is_leaving and is_due(use, count - len(leaving)):
                    use.is_leaving = True
                    leaving.append((account, use))
        for account, use in leaving:
            self._close(account, use)

    def remove(self, account: str) -> None:
        """Close the file of an account once nobody uses it, and remove it."""
        with self._changed:
            while (use := self._uses.get(account)) is not None and use.is_leaving:
                self._changed.wait()
            if use is None:
                use = self._uses[account] = _Use()
            use.is_leaving = True
            while use.users:
                self._changed.wait()
        self._close(account, use, removes=True)

    def _close(self, account: str, use: _Use, *, removes: bool = False) -> None:
        try:
            if use.file is not None:
                use.file.close()
        finally:
            try:
                if removes:
                    remove_file(self.path(account))
            finally:
                with self._changed:
                    del self._uses[account]
                    self._changed.notify_all()

    def close(self) -> None:
        """Close all files; nothing uses them any more."""
        self._close_some(lambda _use, _open_files: True)

    def discard(self) -> None:
        """Remove all files, after `close`. Words of an index may be on disk until they are overwritten there."""
        shutil.rmtree(self._folder, ignore_errors=True)

"""The Airflow connection of type `cgc` as a hook: settings, a client, the form, and the test button."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, conf, mask_secret
from asgiref.sync import sync_to_async

from airflow_provider_cgc import get_provider_info
from airflow_provider_cgc.client import CgcError, CgcSettingsError, Settings
from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.errors.problem import as_sentence, naming_host
from airflow_provider_cgc.client.platforms import PLATFORMS
from airflow_provider_cgc.compat import uncancelled
from airflow_provider_cgc.hooks.connection import settings_from_connection, split_hosts, unknown_extras
from airflow_provider_cgc.hooks.unreadable import doubt_variable, not_found, refuse_odd_extra

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient

__all__ = ["CgcHook"]

log = logging.getLogger(__name__)

_WARNED: set[tuple[str, str]] = set()
"""The warnings about connections that this process has logged: a triggerer reads a connection for each of its tasks."""

PATIENCE = 300.0
PATIENCE_OF_THE_TEST = 3.0
"""Seconds. Not 0, so that the button sends its request even if Airflow's share of requests is used up."""


class CgcHook(BaseHook):
    """
    The platform behind one Airflow connection.

    ``get_conn()`` gives a :class:`~airflow_provider_cgc.client.CgcClient`; ``settings.base_url`` and
    ``settings.token`` can be given to the vendor's own SDK. Nothing is looked up or sent before one of them is used.

    :param cgc_conn_id: id of a connection of type ``cgc``.
    """

    conn_name_attr = "cgc_conn_id"
    default_conn_name = "cgc_default"
    conn_type = "cgc"
    hook_name = "Cancer Genomics Cloud"

    def __init__(self, cgc_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cgc_conn_id = cgc_conn_id
        self._settings: Settings | None = None
        self.doubt = ""
        """The doubt about a connection that can be read, to follow its name; "" if there is none, or none was read."""
        self._clients: dict[float, CgcClient] = {}
        self.answered = False
        """The platform has answered at this connection's address before, so a refused connection is an outage."""

    @property
    def settings(self) -> Settings:
        """The checked connection, read once; :meth:`renew` reads it again."""
        if self._settings is None:
            self._settings = self._read()
        return self._settings

    def get_conn(self, patience: float = PATIENCE) -> CgcClient:
        """
        Return the client; the same one for the same patience until :meth:`renew` or :meth:`close`.

        :param patience: seconds that one call may spend on waiting and repeating; 0: one attempt at most, no sleep,
            and ``CgcBudgetSpent`` while Airflow's share of the requests is used up.
        """
        # Imported here, because it loads `requests`, for which the triggerer's event loop should not wait at import.
        from airflow_provider_cgc.client import CgcClient

        if patience not in self._clients:
            self.answered = self.answered or any(client.answered for client in self._clients.values())
            self._clients[patience] = CgcClient(self.settings, patience=patience, answered=self.answered)
        return self._clients[patience]

    def explain(self, error: CgcError) -> str:
        """Return an error as a sentence; one about an unreadable answer names the host, which may be a wrong one."""
        if isinstance(error, CgcUnreadableError):
            return naming_host(error, self.settings.host)
        return as_sentence(error)

    def renew(self) -> Settings:
        """Read the connection again, for instance after a 401: somebody may have put in a new token."""
        before, self._settings = self._settings, None
        self.close()
        if before is not None and self.settings.base_url != before.base_url:
            self.answered = False
        return self.settings

    def close(self) -> None:
        """Close the clients given out so far."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def __enter__(self) -> CgcHook:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @classmethod
    async def aget_settings(cls, cgc_conn_id: str = default_conn_name) -> Settings:
        """
        Read and check the connection on an event loop, without blocking it.

        :param cgc_conn_id: id of a connection of type ``cgc``.
        """
        return await uncancelled(cls._aread, cgc_conn_id)

    @staticmethod
    async def _aread(cgc_conn_id: str) -> Settings:
        from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson

        try:
            connection = await get_async_connection(cgc_conn_id)
        except AirflowNotFoundException as missing:
            raise not_found(cgc_conn_id) from missing
        # The token is masked by Airflow on the way.
        refuse_odd_extra(cgc_conn_id, connection.extra)
        settings = _settings_of(cgc_conn_id, connection, await get_async_extra_dejson(connection))
        for password in _proxy_passwords(settings):
            await sync_to_async(mask_secret)(password)
        return settings

    def test_connection(self) -> tuple[bool, str]:
        """Ask for the token's user; for the Test button of the connection form."""
        from airflow_provider_cgc.client import CgcClient

        try:
            with CgcClient(self.settings, patience=PATIENCE_OF_THE_TEST) as client:
                user, rate = client.user(), client.rate_limit()
        except CgcError as fault:
            # Airflow gives a connection that is being tested an id of eight random letters.
            return False, str(fault).replace(f"connection {self.cgc_conn_id!r}", "this connection")
        minutes = max(round((rate.reset - time.time()) / 60), 1)
        doubt = f". The connection {self.doubt}" if self.doubt else ""
        return True, (
            f"Connected to {_title(self.settings)} as {user.username}; {rate.remaining} of {rate.limit} requests "
            f"left in the window that ends in about {minutes} min{doubt}"
        )

    def _read(self) -> Settings:
        try:
            connection = self.get_connection(self.cgc_conn_id)
        except AirflowNotFoundException as missing:
            raise not_found(self.cgc_conn_id) from missing
        if connection.password:
            # Before the checks, so that their messages cannot show it.
            mask_secret(connection.password)
        refuse_odd_extra(self.cgc_conn_id, connection.extra)
        settings = _settings_of(self.cgc_conn_id, connection, connection.extra_dejson)
        self.doubt = unknown_extras(connection.extra_dejson, connection.password) or ""
        for password in _proxy_passwords(settings):
            mask_secret(password)
        return settings

    # The next two are for Airflow 2.11 to 3.1; from 3.2 on the form follows `conn-fields` of the provider info.

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's own fields, the same as in the provider info."""
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from flask_babel import lazy_gettext
        from wtforms import BooleanField, StringField
        from wtforms.validators import Optional, any_of

        widgets: dict[str, Any] = {}
        for name, spec in _form()["conn-fields"].items():
            schema, label = spec["schema"], lazy_gettext(spec["label"])
            if "boolean" in schema["type"]:
                widgets[name] = BooleanField(label, description=spec["description"], default=schema["default"])
                continue
            choices = [any_of(schema["enum"])] if "enum" in schema else []
            default = schema.get("default")
            widgets[name] = StringField(
                label,
                validators=[Optional(), *choices],
                widget=BS3TextFieldWidget(),
                description=spec["description"],
                default=None if default is None else str(default),
            )
        return widgets

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the labels and hints of the form's standard fields, the same as in the provider info."""
        behaviour = _form()["ui-field-behaviour"]
        return {
            "hidden_fields": behaviour["hidden-fields"],
            "relabeling": behaviour["relabeling"],
            "placeholders": behaviour["placeholders"],
        }


def _form() -> dict[str, Any]:
    form: dict[str, Any] = get_provider_info()["connection-types"][0]
    return form


def _settings_of(conn_id: str, connection: Any, extra: dict[str, Any]) -> Settings:
    unknown = unknown_extras(extra, connection.password)
    if unknown and (conn_id, unknown) not in _WARNED:
        _WARNED.add((conn_id, unknown))
        log.warning("Connection '%s' %s", conn_id, unknown)
    try:
        with doubt_variable(conn_id):
            return settings_from_connection(
                conn_id,
                host=connection.host,
                port=connection.port,
                schema=connection.schema,
                password=connection.password,
                extra=extra,
                allowed_hosts=split_hosts(conf.get("cgc", "allowed_hosts", fallback="")),
            )
    except CgcSettingsError as fault:
        if not unknown:
            raise
        # A misspelt extra is often the reason why another one seems to be missing.
        raise CgcSettingsError(fault.field, f"{fault.fact}. The connection {unknown}") from None


def _proxy_passwords(settings: Settings) -> Iterator[str]:
    for proxy in (settings.proxies or {}).values():
        password = urlsplit(proxy).password
        if password:
            yield password


def _title(settings: Settings) -> str:
    for platform in PLATFORMS.values():
        if platform.base_url == settings.base_url:
            return f"the {platform.title} ({settings.host})"
    return settings.host

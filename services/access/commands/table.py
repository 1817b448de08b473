"""Maps commands to their handlers."""

from __future__ import annotations

from services.access.commands import (
    acl,
    append,
    connection,
    copying,
    expunge,
    fetch,
    idle,
    listing,
    login,
    mailboxes,
    metadata,
    multisearch,
    notify,
    ordering,
    quota,
    replace,
    search,
    select,
    status,
    store,
)
from services.access.commands.answer import Handler
from services.access.commands.named_filters import with_filters
from shared.protocol.imap import acl_commands
from shared.protocol.imap import commands as c
from shared.protocol.imap import ordering_commands as o
from shared.protocol.imap.connection_commands import Compress, UnAuthenticate
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.notify_command import ImapNotify
from shared.protocol.imap.replace_command import Replace

HANDLERS: dict[type[c.Command], Handler] = {
    c.Capability: connection.capability,
    c.Noop: connection.noop,
    c.Logout: connection.logout,
    c.Id: connection.identify,
    c.StartTls: connection.starttls,
    c.Enable: connection.enable,
    c.Check: connection.check,
    Compress: connection.compress,
    UnAuthenticate: connection.unauthenticate,
    c.Login: login.login,
    c.Authenticate: login.authenticate,
    c.Select: select.select,
    c.Close: select.close,
    c.Unselect: select.unselect,
    c.Create: mailboxes.create,
    c.Delete: mailboxes.delete,
    c.Rename: mailboxes.rename,
    c.Subscribe: mailboxes.subscribe,
    c.Unsubscribe: mailboxes.unsubscribe,
    c.Namespace: mailboxes.namespace,
    c.List: listing.list_,
    c.Lsub: listing.lsub,
    c.Status: status.status,
    c.GetQuota: quota.get_quota,
    c.GetQuotaRoot: quota.get_quota_root,
    c.SetQuota: quota.set_quota,
    c.GetMetadata: metadata.get_metadata,
    c.SetMetadata: metadata.set_metadata,
    acl_commands.SetAcl: acl.set_acl,
    acl_commands.DeleteAcl: acl.delete_acl,
    acl_commands.GetAcl: acl.get_acl,
    acl_commands.ListRights: acl.list_rights,
    acl_commands.MyRights: acl.my_rights,
    c.Idle: idle.idle,
    c.Expunge: expunge.expunge,
    c.Search: with_filters(search.search),
    MultiSearch: with_filters(multisearch.multi_search),
    o.Sort: with_filters(ordering.sort),
    o.Thread: with_filters(ordering.thread),
    o.CancelUpdate: ordering.cancel_update,
    c.Fetch: fetch.fetch,
    c.Store: store.store,
    c.Copy: copying.copy,
    c.Move: copying.move,
    c.Append: append.append,
    ImapNotify: notify.notify,
    Replace: replace.replace,
}
"""APPEND and REPLACE have no handler here when they consist of literals; `append_literal` carries these out."""

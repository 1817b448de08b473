"""All commands together. The values of an extension may be in a module of their own, which derives from `Command`."""

from shared.protocol.imap import acl_commands as acl
from shared.protocol.imap import commands as c
from shared.protocol.imap import ordering_commands as o
from shared.protocol.imap.connection_commands import Compress, UnAuthenticate
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.notify_command import ImapNotify
from shared.protocol.imap.replace_command import Replace

AnyCommand = (
    c.Capability
    | c.Noop
    | c.Logout
    | c.Id
    | c.StartTls
    | c.Authenticate
    | c.Login
    | c.Enable
    | c.Select
    | c.Create
    | c.Delete
    | c.Rename
    | c.Subscribe
    | c.Unsubscribe
    | c.List
    | c.Lsub
    | c.Namespace
    | c.Status
    | c.Append
    | c.Idle
    | c.GetQuota
    | c.GetQuotaRoot
    | c.SetQuota
    | acl.SetAcl
    | acl.DeleteAcl
    | acl.GetAcl
    | acl.ListRights
    | acl.MyRights
    | c.GetMetadata
    | c.SetMetadata
    | c.Close
    | c.Unselect
    | c.Check
    | c.Expunge
    | c.Search
    | MultiSearch
    | o.Sort
    | o.Thread
    | o.CancelUpdate
    | c.Fetch
    | c.Store
    | c.Copy
    | c.Move
    | ImapNotify
    | Replace
    | Compress
    | UnAuthenticate
)
"""Every command, for an exhaustive `match`."""

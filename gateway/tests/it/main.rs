//! The gateway as its callers meet it: over a socket where bytes matter, through its front where they do not.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod api_keys;
mod attacks;
mod calls;
mod certificates;
mod connections;
mod dialects;
mod fixture;
mod key_rights;
mod keys;
mod protocol;
mod replica;
mod revocation;
mod roles;
mod scopes;
mod staff;
mod tenants;
mod tokens;
mod traces;
mod upstream;

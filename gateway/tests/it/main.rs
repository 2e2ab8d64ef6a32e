//! The gateway as its callers meet it: over a socket where bytes matter, through its front where they do not.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod api_keys;
mod attack_table;
mod attacks;
mod audit;
mod calls;
mod certificates;
mod connections;
mod console;
mod dialects;
mod fixture;
mod full_speed;
mod fuzz;
mod key_ends;
mod key_rights;
mod keys;
mod limits;
mod patience;
mod protocol;
mod reflection;
mod replica;
mod revocation;
mod roles;
mod rolling;
mod scopes;
mod staff;
mod stale;
mod tenants;
mod tokens;
mod traces;
mod trail;
mod trust;
mod unread;
mod upgrade;
mod upstream;
mod wire;

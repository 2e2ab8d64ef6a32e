//! Decode, call, encode.

mod decode;
mod encode;
mod ledger;
mod programs;

use std::sync::Arc;

use rapport_foundation::service::MESSAGE_LIMIT_BYTES;
use rapport_proto::loyalty::v1::ledger_service_server::LedgerServiceServer;
use rapport_proto::loyalty::v1::program_service_server::ProgramServiceServer;
use tonic::service::Routes;

use crate::app::App;

/// The services' handlers.
#[derive(Clone)]
struct Api {
    app: Arc<App>,
}

/// The services of the contract, without the log.
pub(crate) fn routes(app: Arc<App>) -> Routes {
    let api = Api { app };
    let programs = ProgramServiceServer::new(api.clone())
        .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
        .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let ledger = LedgerServiceServer::new(api)
        .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
        .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    Routes::new(programs).add_service(ledger)
}

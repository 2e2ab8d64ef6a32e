//! The interaction log: every contact on every channel, once.
//!
//! A contact is logged when its row is durable, and nobody is called for that. What follows hears of it from the
//! log: the linker asks profiles who it was, others listen to what the linker says.

mod app;
mod clients;
mod config;
pub mod domain;
mod error;
mod grpc;
mod migration;
mod store;
mod work;

use std::sync::Arc;

use rapport_foundation::db::Database;
use rapport_foundation::events::{Consumer, Relay};
use rapport_foundation::log_service;
use rapport_foundation::role::Role;
use rapport_foundation::service::{Env, MESSAGE_LIMIT_BYTES, Service};
use rapport_foundation::verify::Breach;
use rapport_proto::interactions::v1 as pb;

use app::App;
use clients::{Objects, Profiles};
use store::Store;
use work::{
    Backoff, Linker, Moves, Projector, Recognition, Recorder, Sweep, attach, forget, indexer,
    media, outbound, retention,
};

pub use config::{Config, MediaConfig, Numbers, Outbound, Place, S3Config};
pub use error::Error;
pub use migration::migrations;

/// Opens the service on its migrated database: its routes, not yet guarded, and its workers, running.
///
/// # Errors
/// When the place of files cannot be used.
#[expect(clippy::unused_async, reason = "every service opens the same way")]
pub async fn open(env: Env, config: Config) -> Result<Service, Error> {
    let store = Store::new(env.db.clone(), env.vault.clone());
    let profiles = Profiles::new(env.caller(Role::Profiles));
    let recognition = Recognition::new(profiles.clone(), config.resolve_concurrency);
    let (recorder, recording) = Recorder::spawn(&env, &store, &config);
    let linker = Linker::new(
        store.clone(),
        recognition.clone(),
        env.clock.clone(),
        config.link_within(),
        Backoff::new(&config),
        recorder.calm(),
    );
    let projector = Arc::new(Projector::new(store.clone()));

    let mut tasks = Vec::from(recording);
    tasks.push(Relay::spawn(
        env.db.clone(),
        Role::Interactions,
        env.shutdown.clone(),
    ));
    tasks.push(Consumer::spawn(&env, Role::Interactions, Arc::new(linker)));
    tasks.push(Consumer::spawn(
        &env,
        Role::Profiles,
        Arc::new(Moves::new(store.clone())),
    ));
    tasks.push(Consumer::spawn(
        &env,
        Role::Routing,
        Arc::<Projector>::clone(&projector),
    ));
    tasks.push(Consumer::spawn(&env, Role::Loyalty, projector));
    tasks.push(Sweep::spawn(&env, store.clone(), recognition, &config));
    tasks.push(attach::spawn(&env, store.clone(), &config));
    tasks.push(outbound::spawn(&env, store.clone(), &config));
    tasks.push(forget::spawn(&env));
    tasks.push(indexer::spawn(&env, store.clone(), recorder.calm()));
    tasks.push(retention::spawn(&env, store.clone(), &config));
    let objects = Objects::open(&config.media)?;
    tasks.push(media::spawn(&env, store.clone(), objects.clone(), &config));

    let log = log_service!(interactions, &env);
    let app = Arc::new(App::new(&env, store, recorder, profiles, objects, config));
    let interactions = pb::interaction_service_server::InteractionServiceServer::new(
        grpc::Interactions(Arc::clone(&app)),
    )
    .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
    .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let conversations = pb::conversation_service_server::ConversationServiceServer::new(
        grpc::Conversations(Arc::clone(&app)),
    )
    .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
    .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let facts = pb::fact_service_server::FactServiceServer::new(grpc::Facts(Arc::clone(&app)))
        .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
        .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let media = pb::media_service_server::MediaServiceServer::new(grpc::Files(Arc::clone(&app)))
        .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
        .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let outbound =
        pb::outbound_service_server::OutboundServiceServer::new(grpc::Outbound(Arc::clone(&app)))
            .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
            .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let changes = pb::conversation_change_service_server::ConversationChangeServiceServer::new(
        grpc::Changes(Arc::clone(&app)),
    )
    .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
    .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let threading = pb::threading_service_server::ThreadingServiceServer::new(grpc::Threading(
        Arc::clone(&app),
    ))
    .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
    .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let counts = pb::count_service_server::CountServiceServer::new(grpc::Counts(Arc::clone(&app)))
        .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
        .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let exports =
        pb::export_service_server::ExportServiceServer::new(grpc::Exports(Arc::clone(&app)))
            .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
            .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let intake =
        pb::intake_service_server::IntakeServiceServer::new(grpc::Intake(Arc::clone(&app)))
            .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
            .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let privacy = pb::privacy_service_server::PrivacyServiceServer::new(grpc::Privacy(app))
        .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
        .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
    let routes = tonic::service::Routes::new(interactions)
        .add_service(conversations)
        .add_service(changes)
        .add_service(counts)
        .add_service(exports)
        .add_service(threading)
        .add_service(facts)
        .add_service(outbound)
        .add_service(media)
        .add_service(intake)
        .add_service(privacy)
        .add_service(log);
    Ok(Service {
        role: Role::Interactions,
        routes,
        tasks,
    })
}

/// Checks the invariants of everything stored here: an accepted interaction is there once, is told of once, and what
/// was counted agrees with what is there.
///
/// # Errors
/// When the store cannot be read.
pub async fn verify(db: &Database) -> Result<Vec<Breach>, Error> {
    Ok(store::verify(db).await?)
}

"""The whole way of one contact, by a client that has nothing of ours but proto/.

Usage: contact.py PROTO_DIR GATEWAY SUPERVISOR_TOKEN CONNECTOR_TOKEN MANAGER_TOKEN

Generates stubs with grpcio-tools, then: a chat comes in, the customer is recognised, an agent on
an open stream is offered the work, accepts, resolves and wraps up, an order earns points, and the
timeline shows it all. Exits non-zero at the first thing that is not so.
"""

import importlib
import pathlib
import queue
import sys
import tempfile
import threading
import time
import uuid

import grpc
import grpc_tools
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_tools import protoc

DEADLINE_S = 10


def generate(proto_dir: pathlib.Path) -> None:
    out = tempfile.mkdtemp(prefix="rapport-stubs-")
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    sources = sorted(str(p.relative_to(proto_dir)) for p in proto_dir.glob("rapport/**/*.proto"))
    code = protoc.main(
        ["protoc", f"-I{proto_dir}", f"-I{proto_dir}/third_party", f"-I{well_known}",
         f"--python_out={out}", f"--grpc_python_out={out}", *sources]
    )
    assert code == 0, "protoc refused the contracts"
    sys.path.insert(0, out)


def module(name: str):
    return importlib.import_module(f"rapport.{name}")


def request_id() -> str:
    return str(uuid.uuid4())


def now() -> Timestamp:
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


def bearer(token: str):
    return [("authorization", f"Bearer {token}")]


def until(what: str, probe):
    """Asks until the answer is there: events arrive when they arrive."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        answer = probe()
        if answer:
            return answer
        time.sleep(0.02)
    sys.exit(f"gave up waiting for {what}")


def main() -> None:
    proto_dir, gateway = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    supervisor, connector, manager = map(bearer, sys.argv[3:6])
    generate(proto_dir)

    types = module("types.v1.types_pb2")
    inter, inter_svc = module("interactions.v1.interaction_pb2"), module("interactions.v1.interaction_service_pb2")
    agents_pb, agents = module("routing.v1.agent_pb2"), module("routing.v1.agent_service_pb2")
    queues, tickets = module("routing.v1.queue_service_pb2"), module("routing.v1.ticket_service_pb2")
    offers, work = module("routing.v1.offer_service_pb2"), module("routing.v1.work_item_service_pb2")
    programs_pb, programs = module("loyalty.v1.program_pb2"), module("loyalty.v1.program_service_pb2")
    ledger = module("loyalty.v1.ledger_service_pb2")

    channel = grpc.insecure_channel(gateway)

    def stub(service: str, name: str):
        return getattr(module(f"{service}_pb2_grpc"), f"{name}Stub")(channel)

    interaction_service = stub("interactions.v1.interaction_service", "InteractionService")
    agent_service = stub("routing.v1.agent_service", "AgentService")
    queue_service = stub("routing.v1.queue_service", "QueueService")
    offer_service = stub("routing.v1.offer_service", "OfferService")
    ticket_service = stub("routing.v1.ticket_service", "TicketService")
    work_service = stub("routing.v1.work_item_service", "WorkItemService")
    program_service = stub("loyalty.v1.program_service", "ProgramService")
    ledger_service = stub("loyalty.v1.ledger_service", "LedgerService")

    # The floor: a queue, an agent who serves it, a programme.
    mark = uuid.uuid4().hex[:8]
    line = queue_service.CreateQueue(
        queues.CreateQueueRequest(request_id=request_id(), queue=agents_pb.Queue(
            code=f"care-{mark}", display_name="Care", wrap_up_s=60)),
        metadata=supervisor, timeout=DEADLINE_S).queue
    agent = agent_service.CreateAgent(
        agents.CreateAgentRequest(request_id=request_id(), agent=agents_pb.Agent(
            principal=f"agent-{mark}", display_name="Agent", queue_ids=[line.id])),
        metadata=supervisor, timeout=DEADLINE_S).agent
    program_service.CreateProgram(
        programs.CreateProgramRequest(request_id=request_id(), program=programs_pb.Program(
            code=f"club-{mark}", display_name="Club", point_code="PTS", auto_enrol=True,
            earn_rule=programs_pb.EarnRule(currency_code="EUR", currency_exponent=2, points=1, per=100))),
        metadata=manager, timeout=DEADLINE_S)

    # The desk opens; the first answer says how things stand.
    desk: queue.Queue = queue.Queue()
    stream = offer_service.WatchOffers(offers.WatchOffersRequest(agent_id=agent.id), metadata=supervisor)

    def listen():
        try:
            for event in stream:
                desk.put(event)
        except grpc.RpcError:
            pass  # cancelled at the end

    threading.Thread(target=listen, daemon=True).start()
    assert desk.get(timeout=DEADLINE_S).WhichOneof("event") == "snapshot"
    agent_service.SetAgentStatus(
        agents.SetAgentStatusRequest(request_id=request_id(), agent_id=agent.id,
                                     status=agents_pb.AGENT_STATUS_AVAILABLE),
        metadata=supervisor, timeout=DEADLINE_S)

    # A chat comes in, twice: connectors repeat themselves.
    caller = types.Identifier(type=types.IDENTIFIER_TYPE_HANDLE, value=f"@budi-{mark}", namespace="whatsapp")
    chat = inter.InteractionInput(
        external_id=f"chat-{mark}", kind=types.INTERACTION_KIND_CHAT, channel=types.CHANNEL_CHAT,
        direction=types.DIRECTION_INBOUND, purpose=types.PURPOSE_SUPPORT, event_time=now(),
        participants=[inter.Participant(role=inter.PARTICIPANT_ROLE_CUSTOMER, identifier=caller)],
        parts=[inter.Part(text="Paket saya belum sampai.")],
        routing=types.RoutingHint(queue=line.code))
    first, again = (
        interaction_service.RecordInteraction(
            inter_svc.RecordInteractionRequest(interaction=chat), metadata=connector, timeout=DEADLINE_S)
        for _ in range(2))
    assert not first.duplicate and again.duplicate
    assert first.interaction.id == again.interaction.id

    # The work is offered, accepted, resolved and wrapped up.
    def next_offer():
        event = desk.get(timeout=DEADLINE_S)
        return event.offer if event.WhichOneof("event") == "offer" else None

    offer = until("an offer", next_offer)
    assert offer.work_item.interaction_id == first.interaction.id
    item = offer_service.AcceptOffer(
        offers.AcceptOfferRequest(request_id=request_id(), offer_id=offer.id),
        metadata=supervisor, timeout=DEADLINE_S).work_item
    ticket_service.ResolveTicket(
        tickets.ResolveTicketRequest(request_id=request_id(), ticket_id=item.ticket_id, outcome="solved"),
        metadata=supervisor, timeout=DEADLINE_S)
    work_service.CompleteWork(
        work.CompleteWorkRequest(request_id=request_id(), work_item_id=item.id, disposition="answered"),
        metadata=supervisor, timeout=DEADLINE_S)
    done = work_service.EndWrapUp(
        work.EndWrapUpRequest(request_id=request_id(), work_item_id=item.id),
        metadata=supervisor, timeout=DEADLINE_S).work_item
    assert done.state == module("routing.v1.work_item_pb2").WORK_ITEM_STATE_COMPLETED

    # The customer buys something and earns.
    interaction_service.RecordInteraction(
        inter_svc.RecordInteractionRequest(interaction=inter.InteractionInput(
            external_id=f"order-{mark}", kind=types.INTERACTION_KIND_ORDER, channel=types.CHANNEL_WEB,
            direction=types.DIRECTION_INBOUND, purpose=types.PURPOSE_ORDER, event_time=now(),
            participants=[inter.Participant(role=inter.PARTICIPANT_ROLE_CUSTOMER, identifier=caller)],
            order=types.Order(order_id=f"o-{mark}", total=types.Amount(units=4999, code="EUR", exponent=2)))),
        metadata=connector, timeout=DEADLINE_S)

    def linked():
        answer = interaction_service.GetInteraction(
            inter_svc.GetInteractionRequest(interaction_id=first.interaction.id),
            metadata=supervisor, timeout=DEADLINE_S).interaction
        return answer.customer.customer_id or None

    customer_id = until("the customer", linked)

    def member():
        page = program_service.ListMembers(
            programs.ListMembersRequest(customer_id=customer_id), metadata=supervisor, timeout=DEADLINE_S)
        return page.members[0] if page.members else None

    member_id = until("the member", member).id

    def earned():
        balance = ledger_service.GetBalance(
            ledger.GetBalanceRequest(member_id=member_id), metadata=supervisor, timeout=DEADLINE_S).balance
        return balance.available.units == 49

    until("49 points", earned)

    def whole_timeline():
        page = interaction_service.ListTimeline(
            inter_svc.ListTimelineRequest(customer_id=customer_id), metadata=supervisor, timeout=DEADLINE_S)
        kinds = {entry.WhichOneof("entry") for entry in page.entries}
        return kinds == {"interaction", "ticket", "points"}

    until("contacts, ticket and points in the timeline", whole_timeline)
    stream.cancel()
    print("one contact, end to end")


if __name__ == "__main__":
    main()

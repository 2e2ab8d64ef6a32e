#!/usr/bin/env bash
# The whole way of one contact, with nothing but a shell and curl.
#
# Usage: contact.sh GATEWAY SUPERVISOR_TOKEN CONNECTOR_TOKEN MANAGER_TOKEN
#
# JSON over HTTP by the paths of the contracts; what the agent does in the middle goes by Connect, over HTTP/2. A chat comes
# in, the customer is recognised, an agent on an open stream is offered the work, accepts, resolves and wraps up, an order
# earns points, a shop reads them with an API key, and the timeline shows it all. Fails at the first thing that is not so.

set -euo pipefail
# Also within $(…).
shopt -s inherit_errexit

readonly DEADLINE_S=10
readonly base="http://$1" supervisor="authorization: Bearer $2" connector="authorization: Bearer $3" manager="authorization: Bearer $4"

folder=$(mktemp -d)
desk_pid=
leave() {
  if [[ -n $desk_pid ]]; then kill "$desk_pid" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap leave EXIT

fail() {
  echo "$*" >&2
  exit 1
}

# ask ARGUMENTS…: the body of an answer; refusals end everything, and are shown.
ask() {
  local answer
  answer=$(curl --silent --show-error --fail-with-body --noproxy '*' --max-time "$DEADLINE_S" "$@") ||
    fail "$* was refused: $answer"
  printf '%s' "$answer"
}

# A change has a request id, so that it can be repeated.
request_id() { cat /proc/sys/kernel/random/uuid; }

get() { ask -H "$1" "$base$2"; }
record() { ask -H "$connector" -d "$1" "$base/v1/interactions"; }
change() { ask -H "$1" -H "idempotency-key: $(request_id)" -d "$3" "$base$2"; }

# connect METHOD FIELDS: a change by Connect, which knows no paths but those of gRPC.
connect() {
  ask --http2-prior-knowledge -H "$supervisor" -H "content-type: application/json" -H "connect-protocol-version: 1" \
    -d "{\"requestId\":\"$(request_id)\",$2}" "$base/rapport.$1"
}

# code ARGUMENTS…: the HTTP status of a call that is to be refused.
code() { curl --silent --noproxy '*' --max-time "$DEADLINE_S" --output /dev/null --write-out '%{http_code}' "$@"; }

# text JSON NAME: the first string of that name.
text() {
  [[ $1 =~ \"$2\":\"([^\"]+)\" ]] || fail "no $2 in $1"
  printf '%s' "${BASH_REMATCH[1]}"
}

# expect WHAT JSON PATTERN…
expect() {
  local what=$1 json=$2 pattern
  for pattern in "${@:3}"; do [[ $json =~ $pattern ]] || fail "$what: $json"; done
}

# until_so WHAT PATTERN COMMAND…: asks until the answer is there, and gives it; events arrive when they arrive.
until_so() {
  local what=$1 pattern=$2 answer end=$((SECONDS + DEADLINE_S))
  shift 2
  while ((SECONDS < end)); do
    answer=$("$@")
    if [[ $answer =~ $pattern ]]; then
      printf '%s' "$answer"
      return
    fi
    sleep 0.05
  done
  fail "gave up waiting for $what; the last answer: $answer"
}

desk_says() { cat "$folder/desk"; }

# The floor: a queue, an agent who serves it, a programme.
mark=$(request_id)
mark=${mark:0:8}
queue=$(change "$supervisor" /v1/queues "{\"queue\":{\"code\":\"care-$mark\",\"displayName\":\"Care\",\"wrapUpS\":60}}")
queue_id=$(text "$queue" id)
agent=$(change "$supervisor" /v1/agents \
  "{\"agent\":{\"principal\":\"agent-$mark\",\"displayName\":\"Agent\",\"queueIds\":[\"$queue_id\"]}}")
agent_id=$(text "$agent" id)
program=$(change "$manager" /v1/programs "{\"program\":{\"code\":\"club-$mark\",\"displayName\":\"Club\",
  \"pointCode\":\"PTS\",\"autoEnrol\":true,
  \"earnRule\":{\"currencyCode\":\"EUR\",\"currencyExponent\":2,\"points\":\"1\",\"per\":\"100\"}}}")
expect "a programme" "$program" '"pointCode":"PTS"'

# The desk opens: lines of JSON as they happen, the first of which says how things stand.
: >"$folder/desk"
curl --silent --no-buffer --noproxy '*' --max-time 60 -H "$supervisor" \
  "$base/v1/agents/$agent_id/offers:watch" >>"$folder/desk" &
desk_pid=$!
until_so "the desk" '"snapshot"' desk_says >/dev/null
change "$supervisor" "/v1/agents/$agent_id:setStatus" '{"status":"AGENT_STATUS_AVAILABLE"}' >/dev/null

# A picture is uploaded in lines of JSON, which end in the middle, and goes on in one call.
readonly size=700000
{
  printf '\xff\xd8\xff\xe0'
  head -c $((size - 4)) /dev/urandom
} >"$folder/picture"
hash=$(sha256sum "$folder/picture")
hash=${hash%% *}
upload=$(change "$connector" /v1/uploads \
  "{\"fileName\":\"paket.jpg\",\"mediaType\":\"image/jpeg\",\"sizeBytes\":\"$size\",\"sha256\":\"$hash\"}")
media_id=$(text "$upload" mediaId)
# bytes OFFSET COUNT: of the picture, as JSON has them.
bytes() { dd if="$folder/picture" iflag=skip_bytes,count_bytes skip="$1" count="$2" status=none | base64 --wrap=0; }
for offset in 0 200000; do
  printf '{"mediaId":"%s","offset":"%s","data":"%s"}\n' "$media_id" "$offset" "$(bytes "$offset" 200000)"
done >"$folder/lines"
kept=$(ask -H "$connector" --data-binary "@$folder/lines" "$base/v1/uploads:stream")
expect "whole steps are kept" "$kept" '"receivedBytes":"262144"'
expect "how far it came" "$(get "$connector" "/v1/uploads/$media_id")" '"receivedBytes":"262144"'
printf '{"offset":"262144","data":"%s"}' "$(bytes 262144 $size)" >"$folder/rest"
ask -H "$connector" --data-binary "@$folder/rest" "$base/v1/uploads/$media_id:append" >/dev/null
finished=$(ask -H "$connector" -d '{}' "$base/v1/uploads/$media_id:finish")
expect "a finished file" "$finished" "\"sha256\":\"$hash\"" '"mediaType":"image/jpeg"'

# A chat comes in, twice: connectors repeat themselves.
event_time=$(date -u +%Y-%m-%dT%H:%M:%SZ)
contact="\"direction\":\"DIRECTION_INBOUND\",\"eventTime\":\"$event_time\",
  \"participants\":[{\"role\":\"PARTICIPANT_ROLE_CUSTOMER\",\"identifier\":
    {\"type\":\"IDENTIFIER_TYPE_HANDLE\",\"value\":\"@budi-$mark\",\"namespace\":\"whatsapp\"}}]"
chat="{\"interaction\":{$contact,\"externalId\":\"chat-$mark\",\"kind\":\"INTERACTION_KIND_CHAT\",
  \"channel\":\"CHANNEL_CHAT\",\"purpose\":\"PURPOSE_SUPPORT\",\"parts\":[{\"text\":\"Paket saya belum sampai.\"},{\"attachment\":{\"mediaId\":\"$media_id\"}}],
  \"routing\":{\"queue\":\"care-$mark\"}}}"
first=$(record "$chat")
again=$(record "$chat")
[[ $first != *'"duplicate":true'* && $again == *'"duplicate":true'* ]] || fail "not told apart: $first $again"
interaction_id=$(text "$first" id)
[[ $(text "$again" id) == "$interaction_id" ]] || fail "logged twice: $first $again"

# Whoever reads the chat reads the picture, from anywhere in it.
get "$supervisor" "/v1/media/$media_id:download?offset=65000&length=500000" >"$folder/download"
expect "the file" "$(head -n 1 "$folder/download")" '"fileName":"paket.jpg"'
grep --only-matching '"data":"[^"]*"' "$folder/download" | cut -d '"' -f 4 >"$folder/data"
while read -r data; do base64 --decode <<<"$data"; done <"$folder/data" >"$folder/back"
cmp --bytes=500000 --ignore-initial=0:65000 "$folder/back" "$folder/picture" || fail "another picture came back"
[[ $(stat --format=%s "$folder/back") == 500000 ]] || fail "another range came back"

# The work is offered, accepted, resolved and wrapped up.
seen=$(until_so "an offer" '"offer":\{' desk_says)
offer=${seen#*\"offer\":}
[[ $(text "$offer" interactionId) == "$interaction_id" ]] || fail "an offer of something else: $offer"
accepted=$(connect routing.v1.OfferService/AcceptOffer "\"offerId\":\"$(text "$offer" id)\"")
ticket_id=$(text "$accepted" ticketId)
work_item_id=$(text "$accepted" id)
connect routing.v1.TicketService/ResolveTicket "\"ticketId\":\"$ticket_id\",\"outcome\":\"solved\"" >/dev/null
connect routing.v1.WorkItemService/CompleteWork "\"workItemId\":\"$work_item_id\",\"disposition\":\"answered\"" >/dev/null
wrapped=$(connect routing.v1.WorkItemService/EndWrapUp "\"workItemId\":\"$work_item_id\"")
expect "the end of the work" "$wrapped" '"state":"WORK_ITEM_STATE_COMPLETED"'

# The customer buys something and earns.
record "{\"interaction\":{$contact,\"externalId\":\"order-$mark\",\"kind\":\"INTERACTION_KIND_ORDER\",
  \"channel\":\"CHANNEL_WEB\",\"purpose\":\"PURPOSE_ORDER\",
  \"order\":{\"orderId\":\"o-$mark\",\"total\":{\"units\":\"4999\",\"code\":\"EUR\",\"exponent\":2}}}}" >/dev/null
linked=$(until_so "the customer" '"customerId":"' get "$supervisor" "/v1/interactions/$interaction_id")
customer_id=$(text "$linked" customerId)

# A shop with a key of its own asks for the points, and may ask for nothing else.
key=$(change "$manager" /v1/api-keys \
  "{\"displayName\":\"Shop $mark\",\"kind\":\"API_KEY_KIND_SYSTEM\",\"scopes\":[\"loyalty.read\"]}")
shop="x-api-key: $(text "$key" secret)"
members=$(until_so "the member" '"id":"' get "$shop" "/v1/members?customerId=$customer_id")
member_id=$(text "$members" id)
until_so "49 points" '"available":\{[^}]*"units":"49"' get "$shop" "/v1/members/$member_id/balance" >/dev/null
[[ $(code -H "$shop" "$base/v1/interactions/$interaction_id") == 403 ]] || fail "a shop read what was said"

# Contacts, ticket and points in the timeline, in whatever order.
whole_timeline() {
  local page
  page=$(get "$supervisor" "/v1/customers/$customer_id/timeline")
  if [[ $page == *'"interaction":{'* && $page == *'"ticket":{'* && $page == *'"points":{'* ]]; then
    printf 'whole'
  else
    printf '%s' "$page"
  fi
}
until_so "contacts, ticket and points in the timeline" '^whole$' whole_timeline >/dev/null

# What is not there, and who may not ask.
missing="$base/v1/tickets/${ticket_id:0:-4}0000"
[[ $(code -H "$supervisor" "$missing") == 404 ]] || fail "a ticket that is not there"
[[ $(code -H "authorization: Bearer nobody" "$missing") == 401 ]] || fail "nobody was let in"
kill -0 "$desk_pid" 2>/dev/null || fail "the desk was closed while the agent worked"
echo "one contact, end to end, by curl"

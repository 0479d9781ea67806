/* Joins what a kernel prints. A page needs far longer for twenty thousand short texts than for one long one. */

const DELAY = 100; // ms that a text waits for others, while the page keeps up
const LATEST = 2000; // ms of lateness that count

/**
 * Put a stage before what takes a kernel's messages. It joins texts of one stream that follow one another; any other
 * message sends what waits first, so that the order stays. All of this is in the page: when Python hangs or is ended, what
 * it printed is here already.
 *
 * @param send takes a message
 * @returns `take`, to be called instead of `send`, and `flush`, which sends what waits
 */
export function joining(send, delay = DELAY) {
  let first = null, texts = [], timer = 0;
  let late = 0; // ms: what it took the page to show the last texts, so that a flood leaves it time for a click

  function wait() {
    const pause = delay + 2 * late, due = performance.now() + pause;
    timer = setTimeout(() => {
      late = Math.min(Math.max(performance.now() - due, 0), LATEST);
      flush();
    }, pause);
  }

  function flush() {
    if (!first) return;
    clearTimeout(timer);
    const message = {...first, content: {...first.content, text: texts.join("")}};
    [first, texts] = [null, []];
    send(message);
  }

  function take(message) {
    if (message.header.msg_type !== "stream") {
      flush();
      send(message);
      return;
    }
    if (first && !alike(first, message)) flush();
    if (!first) {
      first = message;
      wait();
    }
    texts.push(message.content.text);
  }

  return {take, flush};
}

/** Whether two texts come from one stream of one cell's run. */
function alike(one, other) {
  return one.content.name === other.content.name && one.parent_header.msg_id === other.parent_header.msg_id;
}

/** Have every kernel that will be made send through {@link joining}. */
export function joinStreams(kernelspecs) {
  const joined = (create) => async (options) => {
    const stage = joining(options.sendMessage);
    const kernel = await create({...options, sendMessage: stage.take});
    kernel.disposed.connect(stage.flush); // before those who take the messages leave: they are told later
    return kernel;
  };
  const register = kernelspecs.register.bind(kernelspecs);
  kernelspecs.register = ({spec, create}) => register({spec, create: joined(create)});
  for (const [name, create] of [...kernelspecs.factories]) {
    register({spec: kernelspecs.specs.kernelspecs[name], create: joined(create)});
  }
}

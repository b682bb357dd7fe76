import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.locks.LockSupport;

import zmq.Ctx;
import zmq.Msg;
import zmq.SocketBase;
import zmq.ZError;
import zmq.ZMQ;

/**
 * Sockets of JeroMQ for tests in another process: one command on each line, one answer on each line.
 *
 * <p>A command is a verb, the name of a socket, and what else it needs; an answer is "ok" and what came of it, or
 * the number of an error. Frames are in hexadecimal, with a comma behind each. Options go by the names of
 * JeroMQ's constants.
 */
public final class JeroMq {
    private static final int PATIENCE_MS = 20_000;

    private final Ctx context = ZMQ.init(1);
    private final Map<String, SocketBase> sockets = new HashMap<>();

    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.US_ASCII);
        out.println("JeroMQ " + version());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        JeroMq all = new JeroMq();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = all.obey(line.split(" "));
            } catch (Exception | AssertionError error) {
                answer = "failed " + error;
            }
            out.println(answer);
        }
        // What lingers does not keep the process.
        Runtime.getRuntime().halt(0);
    }

    /** Its constants name a version of libzmq, the same one in releases years apart. */
    private static String version() throws IOException {
        String path = "/META-INF/maven/org.zeromq/jeromq/pom.properties";
        try (InputStream file = ZMQ.class.getResourceAsStream(path)) {
            if (file == null) {
                return "of a version that is not said";
            }
            Properties properties = new Properties();
            properties.load(file);
            return properties.getProperty("version");
        }
    }

    private String obey(String[] words) throws ReflectiveOperationException {
        String name = words[1];
        if (words[0].equals("open")) {
            return open(name, words);
        }
        if (words[0].equals("zap")) {
            return answerForever(words);
        }
        SocketBase socket = sockets.get(name);
        switch (words[0]) {
            case "set":
                return set(socket, words[2]);
            case "bind":
                return socket.bind(words[2]) ? "ok" : error(socket);
            case "connect":
                return socket.connect(words[2]) ? "ok" : error(socket);
            case "send":
                return send(socket, frames(words[2]));
            case "recv":
                return receive(socket);
            case "close":
                sockets.remove(name).close();
                return "ok";
            default:
                return "failed: no such command";
        }
    }

    private static String error(SocketBase socket) {
        return Integer.toString(socket.errno());
    }

    private String open(String name, String[] words) throws ReflectiveOperationException {
        SocketBase socket = context.createSocket(constant(words[2]));
        sockets.put(name, socket);
        String answer = "ok";
        for (int n = 3; n < words.length && answer.equals("ok"); n++) {
            answer = set(socket, words[n]);
        }
        return answer;
    }

    private static int constant(String name) throws ReflectiveOperationException {
        return ZMQ.class.getField("ZMQ_" + name).getInt(null);
    }

    /** NAME=number, NAME=text, or NAME=0x and hexadecimal. */
    private static String set(SocketBase socket, String setting) throws ReflectiveOperationException {
        String[] parts = setting.split("=", 2);
        String text = parts[1];
        Object value = text;
        if (text.startsWith("0x")) {
            value = HexFormat.of().parseHex(text.substring(2));
        } else if (text.matches("-?[0-9]{1,9}")) {
            value = Integer.valueOf(text);
        }
        int option;
        try {
            option = constant(parts[0]);
        } catch (NoSuchFieldException missing) {
            return "unknown";
        }
        return socket.setSocketOpt(option, value) ? "ok" : error(socket);
    }

    private static List<byte[]> frames(String text) {
        List<byte[]> frames = new ArrayList<>();
        for (int start = 0; start < text.length();) {
            int end = text.indexOf(',', start);
            frames.add(HexFormat.of().parseHex(text, start, end));
            start = end + 1;
        }
        return frames;
    }

    /** Again while a ROUTER that is to tell so does not know its peer yet. */
    private static String send(SocketBase socket, List<byte[]> frames) {
        long end = System.nanoTime() + PATIENCE_MS * 1_000_000L;
        int next = 0;
        while (next < frames.size()) {
            int flags = next + 1 < frames.size() ? ZMQ.ZMQ_SNDMORE : 0;
            if (socket.send(new Msg(frames.get(next)), flags)) {
                next += 1;
                continue;
            }
            if (socket.errno() != ZError.EHOSTUNREACH || System.nanoTime() > end) {
                return error(socket);
            }
            LockSupport.parkNanos(1_000_000);
        }
        return "ok";
    }

    private static String receive(SocketBase socket) {
        StringBuilder text = new StringBuilder("ok ");
        while (true) {
            Msg frame = socket.recv(0);
            if (frame == null) {
                return error(socket);
            }
            text.append(HexFormat.of().formatHex(frame.data())).append(',');
            if (!frame.hasMore()) {
                return text.toString();
            }
        }
    }

    /** Lets in who says these words in this order, as RFC 27 has it; the answer to all others is 400. */
    private String answerForever(String[] words) {
        SocketBase handler = context.createSocket(ZMQ.ZMQ_REP);
        if (!handler.bind("inproc://zeromq.zap.01")) {
            return error(handler);
        }
        List<String> credentials = List.of(words).subList(2, words.length);
        Thread thread = new Thread(() -> {
            while (true) {
                List<byte[]> request = new ArrayList<>();
                Msg frame;
                do {
                    frame = handler.recv(0);
                    request.add(frame.data());
                } while (frame.hasMore());
                List<String> said = new ArrayList<>();
                for (byte[] word : request.subList(6, request.size())) {
                    said.add(HexFormat.of().formatHex(word));
                }
                byte[] code = (said.equals(credentials) ? "200" : "400").getBytes(StandardCharsets.US_ASCII);
                byte[][] reply = {request.get(0), request.get(1), code, {}, {}, {}};
                for (int n = 0; n < reply.length; n++) {
                    handler.send(new Msg(reply[n]), n + 1 < reply.length ? ZMQ.ZMQ_SNDMORE : 0);
                }
            }
        });
        thread.setDaemon(true);
        thread.start();
        return "ok";
    }
}

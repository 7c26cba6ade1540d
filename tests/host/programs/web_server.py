"""A web server for tests: prints its port, answers as a path says, and keeps what it was asked, a JSON line each.

    /status/500   answers with this status
    /slow/2       answers after so many seconds
    /json/%7B%7D  answers with this JSON, whatever follows

    python3 web_server.py LOG

It ends when the folder of LOG is gone, or after five minutes.
"""
import http.server
import json
import os
import sys
import threading
import time
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        authorization = self.headers.get("Authorization")
        asked = {"method": self.command, "path": self.path, "body": body, "authorization": authorization}
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(json.dumps(asked) + "\n")
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[0] == "slow":
            time.sleep(float(parts[1]))
        content = json.dumps({"status": "ok", "asked": self.path}).encode()
        if parts[0] == "json":
            content = urllib.parse.unquote(parts[1]).encode()
        self.send_response(int(parts[1]) if parts[0] == "status" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            self.wfile.write(content)
        except BrokenPipeError:
            pass

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


def end_with(folder):
    for _ in range(600):
        time.sleep(0.5)
        if not os.path.isdir(folder):
            break
    os._exit(0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=end_with, args=(os.path.dirname(sys.argv[1]),), daemon=True).start()
print(server.server_port, flush=True)
server.serve_forever()

"""Stands for the application's API: prints its port and keeps what it was asked, a JSON line each, in FOLDER/seen.

    python3 application.py FOLDER TOKEN CONNINFO

An acceptance is refused while FOLDER/.env has imports off, as the application does; else FOLDER/accept.sql does it,
with the generation as the variable `generation`. It ends when FOLDER is gone, or after five minutes.
"""
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time

folder, token, conninfo = sys.argv[1:]


def accept(generation):
    with open(folder + "/.env", encoding="utf-8") as env:
        if "IMPORT_GENERATION=true" not in env.read():
            return 403, {"success": False, "message": "Import feature disabled"}
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "generation=" + generation, conninfo]
    subprocess.run(command + ["-f", folder + "/accept.sql"], check=True)
    return 201, {"success": True}


class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self):
        if self.path in ("/up", "/webhook"):
            return 200, {}
        if self.headers.get("Authorization") != "Bearer " + token:
            return 401, {"success": False, "message": "Unauthenticated"}
        if re.fullmatch(r"/api/competencies/\d+/versions", self.path):
            return 200, {"success": True, "data": []}
        found = re.fullmatch(r"/api/strategic-planning/scenario-generations/(\d+)/accept", self.path)
        return accept(found[1]) if found else (404, {})

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with open(folder + "/seen", "a", encoding="utf-8") as log:
            log.write(json.dumps({"request": self.command + " " + self.path, "body": body}) + "\n")
        status, document = self.reply()
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def end_with_folder():
    for _ in range(600):
        time.sleep(0.5)
        if not os.path.isdir(folder):
            break
    os._exit(0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=end_with_folder, daemon=True).start()
print(server.server_port, flush=True)
server.serve_forever()

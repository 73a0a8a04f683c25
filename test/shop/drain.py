#!/usr/bin/env python3
"""drain.py PORT PID: 32 connections ask without a pause, the shop gets SIGTERM in the middle of it, and every request that
was sent on a connection which the shop had not announced to close gets a complete answer."""
import os
import signal
import socket
import sys
import threading

port, pid = int(sys.argv[1]), int(sys.argv[2])
request = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
answered, closed, lost = [0] * 32, [0] * 32, []
warm = threading.Semaphore(0)


def answer(connection):
    """The head of a complete answer, or None."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < size:
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    return head


def ask(number):
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        while True:
            try:
                connection.sendall(request)
                head = answer(connection)
            except OSError as error:
                head = None
                lost.append(f"connection {number}: {error}")
            if head is None:
                lost.append(f"connection {number}: no complete answer after {answered[number]}")
                warm.release()
                return
            answered[number] += 1
            if answered[number] == 5:
                warm.release()
            if not head.startswith(b"HTTP/1.1 200"):
                lost.append(f"connection {number}: {head[:30]!r}")
            if b"Connection: close" in head:
                closed[number] += 1
                return


threads = [threading.Thread(target=ask, args=(i,)) for i in range(32)]
for thread in threads:
    thread.start()
for _ in threads:
    warm.acquire()
os.kill(pid, signal.SIGTERM)
for thread in threads:
    thread.join()
print(f"SIGTERM: {sum(answered)} answers, {sum(closed)} connections were told to close, {len(lost)} lost")
for line in lost[:5]:
    print("  " + line)
sys.exit(1 if lost or sum(closed) != 32 else 0)

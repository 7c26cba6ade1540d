/* Reads a query through a cursor with nothing but libpq: libpq_rows CONNINFO QUERY
 * Prints the sum of the column id and the length of all of the column note. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static PGresult* execute(PGconn* connection, const char* sql, ExecStatusType wanted) {
  PGresult* result = PQexec(connection, sql);
  if (PQresultStatus(result) == wanted) return result;
  fprintf(stderr, "%s: %s", sql, PQerrorMessage(connection));
  exit(EXIT_FAILURE);
}

int main(int count, char** words) {
  if (count != 3) {
    fprintf(stderr, "usage: libpq_rows CONNINFO QUERY\n");
    return 2;
  }
  PGconn* connection = PQconnectdb(words[1]);
  if (PQstatus(connection) != CONNECTION_OK) {
    fprintf(stderr, "%s", PQerrorMessage(connection));
    return EXIT_FAILURE;
  }
  PQclear(execute(connection, "begin read only", PGRES_COMMAND_OK));
  char declare[4096];
  snprintf(declare, sizeof declare, "declare peer no scroll cursor for %s", words[2]);
  PQclear(execute(connection, declare, PGRES_COMMAND_OK));
  long long sum = 0, length = 0;
  for (int rows = 1; rows > 0;) {
    PGresult* result = execute(connection, "fetch 1000 from peer", PGRES_TUPLES_OK);
    int id = PQfnumber(result, "id"), note = PQfnumber(result, "note");
    rows = PQntuples(result);
    for (int row = 0; row < rows; ++row) {
      sum += strtoll(PQgetvalue(result, row, id), NULL, 10);
      length += PQgetlength(result, row, note);
    }
    PQclear(result);
  }
  PQclear(execute(connection, "commit", PGRES_COMMAND_OK));
  PQfinish(connection);
  printf("%lld %lld\n", sum, length);
  return EXIT_SUCCESS;
}

package dev.marmot.node.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.marmot.proto.v1.VerifyReply;
import dev.marmot.proto.v1.VerifyReport;
import org.junit.jupiter.api.Test;

class ProtoJsonTest {
  @Test
  void messageThatIsNotSet_isNotThere_otherFieldsAre() {
    VerifyReply.Builder reply =
        VerifyReply.newBuilder().setReport(VerifyReport.newBuilder().setEqual(true));

    assertThat(ProtoJson.line(reply))
        .startsWith("{\"report\":{\"equal\":true,\"position\":0,\"nodes\":[]")
        .endsWith(",\"resent\":0}")
        .doesNotContain("beforeRepair");

    reply.setBeforeRepair(VerifyReport.getDefaultInstance());
    assertThat(ProtoJson.line(reply)).contains("\"beforeRepair\":{\"equal\":false");
  }
}
